/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes calls and forgets them.
 */
#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
