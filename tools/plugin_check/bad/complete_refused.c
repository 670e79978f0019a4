/* SPDX-License-Identifier: Apache-2.0 */
/* Completes a call, and then refuses it. */
#include "good.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_code code = GoodInvoke(self, call, method, request);
  if (code == DCP_UNIMPLEMENTED) End(self, call, code, "");
  return code;
}

GOOD_PLUGIN(table.invoke = Invoke)
