/* SPDX-License-Identifier: Apache-2.0 */
/* Needs a version of the C library that there is not yet. */
#include "good.h"

int dcp_bad_stub(void);

BAD_INVOKE("Compile", dcp_bad_stub())
