/* SPDX-License-Identifier: Apache-2.0 */
/* Completes a call twice. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("{}"));
           End(self, call, DCP_OK, "{}"); return End(self, call, DCP_OK, "{}"))
