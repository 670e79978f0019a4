/* SPDX-License-Identifier: Apache-2.0 */
/* Waits in cancel() for what it should only wake. */
#include "good.h"

static dcp_call *analyzing;
static int waited;

static void Cancel(dcp_instance *self, dcp_call *call) {
  const struct timespec pause = {1, 300000000};
  (void)self;
  if (call == analyzing && !waited++) nanosleep(&pause, NULL);
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const struct timespec pause = {0, 5000000};
  if (Is(method, "Analyze")) {
    analyzing = call;
    if (!self->host->cancelled(call)) nanosleep(&pause, NULL);
  }
  return GoodInvoke(self, call, method, request);
}

GOOD_PLUGIN(table.invoke = Invoke; table.cancel = Cancel)
