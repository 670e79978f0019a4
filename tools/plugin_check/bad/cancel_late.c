/* SPDX-License-Identifier: Apache-2.0 */
/* Falls over a cancel() of what has ended. */
#include "good.h"

static dcp_call *ended;
static struct timespec end;

static void Cancel(dcp_instance *self, dcp_call *call) {
  struct timespec now;
  (void)self;
  if (call != ended) return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  /* Not in a race with the end itself. */
  if ((now.tv_sec - end.tv_sec) * 1000 + (now.tv_nsec - end.tv_nsec) / 1000000 >= 10) abort();
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_code code = GoodInvoke(self, call, method, request);
  ended = call;
  clock_gettime(CLOCK_MONOTONIC, &end);
  return code;
}

GOOD_PLUGIN(table.invoke = Invoke; table.cancel = Cancel)
