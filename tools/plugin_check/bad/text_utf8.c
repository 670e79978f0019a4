/* SPDX-License-Identifier: Apache-2.0 */
/* Logs Latin-1. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->log(self->host->host, DCP_INFO, NULL, Bytes("caf\xE9")))
