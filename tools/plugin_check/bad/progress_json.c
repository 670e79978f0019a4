/* SPDX-License-Identifier: Apache-2.0 */
/* Reports progress in words. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("half way")))
