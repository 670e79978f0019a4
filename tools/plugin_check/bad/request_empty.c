/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the first byte of a request that has none. */
#include "good.h"

BAD_INVOKE("Compile", if (*(const volatile uint8_t *)request.data == 0) return DCP_INVALID_ARGUMENT)
