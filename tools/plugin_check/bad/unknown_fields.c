/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses a field that it does not know. */
#define _GNU_SOURCE
#include "good.h"

static int Knows(dcp_bytes request) {
  return request.size < 8 || memmem(request.data, request.size, "dcpUnknown", 10) == NULL;
}

BAD_INVOKE("Describe", if (!Knows(request)) return DCP_INVALID_ARGUMENT)
