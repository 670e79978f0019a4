/* SPDX-License-Identifier: Apache-2.0
 *
 * Emits a gigabyte without a look at what emit() answers.
 */
#include "base.h"

static uint8_t body[65536];

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  int i;
  for (i = 0; i < 16384; ++i) {
    self->host->emit(call, DCP_EVENT_DATA, (dcp_bytes){body, sizeof(body)});
  }
  self->host->complete(call, DCP_OK, Bytes("{\"report\":{\"kind\":\"Done\"}}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
