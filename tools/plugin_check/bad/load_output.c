/* SPDX-License-Identifier: Apache-2.0 */
/* Prints in a constructor. */
#include "good.h"

__attribute__((constructor)) static void Load(void) { puts("loaded"); }

GOOD_PLUGIN()
