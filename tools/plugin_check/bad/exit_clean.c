/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes when the process ends. */
#include "good.h"

__attribute__((destructor)) static void Unload(void) { abort(); }

GOOD_PLUGIN()
