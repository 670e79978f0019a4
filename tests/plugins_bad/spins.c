/* SPDX-License-Identifier: Apache-2.0
 *
 * Never returns from a call, and listens to nobody.
 */
#include <time.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  for (;;) {
    const struct timespec pause = {1, 0};
    nanosleep(&pause, NULL);
  }
}

TEST_PLUGIN(table.invoke = Invoke)
