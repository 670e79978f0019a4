/* SPDX-License-Identifier: Apache-2.0 */
/* Logs at a level that there is not. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->log(self->host->host, 42, NULL, Bytes("loud")))
