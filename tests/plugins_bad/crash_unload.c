/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes when the process that loaded it ends.
 */
#include "base.h"

__attribute__((destructor)) static void Unload(void) { abort(); }

TEST_PLUGIN((void)0)
