/* SPDX-License-Identifier: Apache-2.0 */
/* Answers a message that the contract has not. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("{}"));
           return End(self, call, DCP_OK, "{\"engyne\":7}"))
