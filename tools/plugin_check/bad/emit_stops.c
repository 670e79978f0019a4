/* SPDX-License-Identifier: Apache-2.0 */
/* Emits on, whatever emit() answers. */
#include "good.h"

BAD_INVOKE("Analyze", int i;
           for (i = 0; i < 20; ++i) self->host->emit(call, DCP_EVENT_DATA, Bytes("row")))
