/* SPDX-License-Identifier: Apache-2.0
 *
 * Emits more DATA events than the host holds for a slow reader, then one PROGRESS, and says how many
 * were taken.
 */
#include <stdio.h>

#include "base.h"

#define EVENTS 4000

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  char text[64];
  int i;
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  for (i = 0; i < EVENTS; ++i) {
    snprintf(text, sizeof(text), "{\"n\":%d}", i);
    if (self->host->emit(call, DCP_EVENT_DATA, Bytes(text)) != DCP_OK) break;
  }
  self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("{\"state\":\"done\"}"));
  snprintf(text, sizeof(text), "{\"engine\":\"%d\"}", i);
  self->host->complete(call, DCP_OK, Bytes(text));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
