/* SPDX-License-Identifier: Apache-2.0 */
/* Logs for a call that is none. */
#include "good.h"

BAD_INVOKE("Analyze",
           self->host->log(self->host->host, DCP_INFO, (dcp_call *)(uintptr_t)16, Bytes("hm")))
