/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for ever when the deadline is over. */
#include "good.h"

BAD_INVOKE("Compile", if (IsLate(self, call)) return DCP_OK)
