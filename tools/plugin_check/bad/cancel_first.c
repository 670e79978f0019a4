/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for ever when it is cancelled before it begins. */
#include "good.h"

BAD_INVOKE("Compile", if (self->host->cancelled(call)) return DCP_OK)
