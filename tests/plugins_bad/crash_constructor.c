/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes while it is loaded.
 */
#include "base.h"

__attribute__((constructor)) static void Crash(void) { __builtin_trap(); }

TEST_PLUGIN((void)0)
