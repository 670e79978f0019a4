/* SPDX-License-Identifier: Apache-2.0 */
/* Emits an event of a kind that there is not. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->emit(call, 7, Bytes("{}")))
