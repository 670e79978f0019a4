/* SPDX-License-Identifier: Apache-2.0 */
/* Says that it may be called in parallel, and fails when it is. */
#include "good.h"

static int inside;

static dcp_code Alone(dcp_instance *self, dcp_call *call) {
  const struct timespec pause = {0, 1000000};
  const int others = __atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
  nanosleep(&pause, NULL);
  __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
  return End(self, call, others > 0 ? DCP_ABORTED : DCP_NOT_FOUND, "");
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Compile")) return Alone(self, call);
  return GoodInvoke(self, call, method, request);
}

GOOD_PLUGIN(table.flags = DCP_FLAG_PARALLEL; table.invoke = Invoke)
