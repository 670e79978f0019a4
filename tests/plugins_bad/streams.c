/* SPDX-License-Identifier: Apache-2.0
 *
 * Emits as it is told: Analyze of {"sql":"EVENTS BYTES"} sends numbered events, then says how many
 * were taken and ends with the code that emit() answered last.
 */
#include <stdio.h>

#include "base.h"

/* The two numbers in the request, wherever they stand. */
static void Read(dcp_bytes request, size_t numbers[2]) {
  size_t i;
  int at = -1;
  int inside = 0;
  numbers[0] = numbers[1] = 0;
  for (i = 0; i < request.size; ++i) {
    const int digit = request.data[i] >= '0' && request.data[i] <= '9';
    if (digit && !inside && ++at > 1) return;
    if (digit) numbers[at] = 10 * numbers[at] + (size_t)(request.data[i] - '0');
    inside = digit;
  }
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  char text[128];
  size_t numbers[2];
  size_t i;
  uint8_t *body;
  dcp_code code = DCP_OK;
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  Read(request, numbers);
  body = (uint8_t *)calloc(1, numbers[1] + sizeof(i));
  if (body == NULL) return DCP_RESOURCE_EXHAUSTED;
  for (i = 0; i < numbers[0] && code == DCP_OK; ++i) {
    memcpy(body, &i, sizeof(i));
    code = self->host->emit(call, DCP_EVENT_DATA, (dcp_bytes){body, numbers[1] + sizeof(i)});
  }
  free(body);
  if (code == DCP_OK) {
    snprintf(text, sizeof(text), "{\"engine\":\"%zu\"}", i);
  } else {
    snprintf(text, sizeof(text), "{\"message\":\"event %zu was not taken\"}", i - 1);
  }
  self->host->complete(call, code, Bytes(text));
  return DCP_OK;
}

TEST_PLUGIN(table.flags = DCP_FLAG_PARALLEL; table.invoke = Invoke)
