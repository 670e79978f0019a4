/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with more than 64 MiB, once in a while. */
#include "good.h"

static dcp_code Huge(dcp_instance *self, dcp_call *call) {
  const size_t size = ((size_t)64 << 20) + 1;
  uint8_t *body = (uint8_t *)calloc(size, 1);
  if (body == NULL) return DCP_RESOURCE_EXHAUSTED;
  self->host->complete(call, DCP_OK, (dcp_bytes){body, size});
  free(body);
  return DCP_OK;
}

static int calls; /* the answers that are compared with the worker's are the first four */

BAD_INVOKE("Analyze", if (++calls == 5) return Huge(self, call))
