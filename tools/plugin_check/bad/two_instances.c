/* SPDX-License-Identifier: Apache-2.0 */
/* The end of one instance is the end of all. */
#include "good.h"

static int ended;

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  ended = 0;
  return GoodCreate(host, config, out);
}

static void Destroy(dcp_instance *self) {
  ended = 1;
  BaseDestroy(self);
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (ended) return DCP_UNAVAILABLE;
  return GoodInvoke(self, call, method, request);
}

GOOD_PLUGIN(table.create = Create; table.destroy = Destroy; table.invoke = Invoke)
