/* SPDX-License-Identifier: Apache-2.0 */
/* Needs a library that is not where the loader looks. */
#include "good.h"

int dcp_bad_stub(void);

BAD_INVOKE("Compile", dcp_bad_stub())
