/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends its process in a call.
 */
#include <unistd.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  _exit(7);
}

TEST_PLUGIN(table.invoke = Invoke)
