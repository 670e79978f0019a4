/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a file in a constructor. */
#include <fcntl.h>

#include "good.h"

__attribute__((constructor)) static void Load(void) {
  (void)!open("/dev/zero", O_RDONLY | O_CLOEXEC);
}

GOOD_PLUGIN()
