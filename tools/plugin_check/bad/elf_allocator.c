/* SPDX-License-Identifier: Apache-2.0 */
/* Brings an allocator of its own. */
#include "good.h"

int dcp_bad_stub(void);

BAD_INVOKE("Compile", dcp_bad_stub())
