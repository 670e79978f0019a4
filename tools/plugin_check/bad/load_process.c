/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the umask in a constructor. */
#include <sys/stat.h>

#include "good.h"

__attribute__((constructor)) static void Load(void) { umask(0); }

GOOD_PLUGIN()
