/* SPDX-License-Identifier: Apache-2.0 */
/* Emits when a call has ended. */
#include "good.h"

BAD_INVOKE("Compile", End(self, call, DCP_NOT_FOUND, "");
           self->host->emit(call, DCP_EVENT_DATA, Bytes("late")); return DCP_OK)
