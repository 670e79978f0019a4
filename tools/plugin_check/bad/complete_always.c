/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets a call whose request it cannot read. */
#include "good.h"

BAD_INVOKE("Compile", if (request.size > 0 && request.data[0] == 0xFF) return DCP_OK)
