/* SPDX-License-Identifier: Apache-2.0 */
/* Hands over five bytes at NULL. */
#include "good.h"

BAD_INVOKE("Analyze", self->host->log(self->host->host, DCP_INFO, NULL, (dcp_bytes){NULL, 5}))
