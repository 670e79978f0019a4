/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets the call that runs when drain() comes. */
#include <stdatomic.h>

#include "good.h"

static _Atomic(dcp_instance *) drained;

static void Drain(dcp_instance *self) { drained = self; }

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  const dcp_code code = GoodCreate(host, config, out);
  if (code == DCP_OK && drained == *out) drained = NULL; /* another one was there before */
  return code;
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const struct timespec pause = {0, 500000};
  int i;
  for (i = 0; Is(method, "Analyze") && i < 10; ++i) {
    nanosleep(&pause, NULL);
    if (drained == self) return DCP_OK;
  }
  return GoodInvoke(self, call, method, request);
}

GOOD_PLUGIN(table.struct_size = DCP_PLUGIN_API_SIZE; table.create = Create; table.invoke = Invoke;
            table.drain = Drain)
