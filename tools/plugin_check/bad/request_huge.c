/* SPDX-License-Identifier: Apache-2.0 */
/* Has room for a megabyte. */
#include "good.h"

BAD_INVOKE("Compile", if (request.size > 1000000) abort())
