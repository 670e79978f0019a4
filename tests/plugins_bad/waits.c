/* SPDX-License-Identifier: Apache-2.0
 *
 * Works until it is cancelled, and reports progress.
 */
#include <time.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const struct timespec pause = {0, 1000000};
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("{\"state\":\"waiting\"}"));
  while (!self->host->cancelled(call)) nanosleep(&pause, NULL);
  self->host->complete(call, DCP_CANCELLED, Bytes("{\"message\":\"as you wish\"}"));
  return DCP_OK;
}

TEST_PLUGIN(table.flags = DCP_FLAG_PARALLEL; table.invoke = Invoke)
