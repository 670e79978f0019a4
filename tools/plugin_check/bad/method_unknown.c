/* SPDX-License-Identifier: Apache-2.0 */
/* Has other words for a method it does not have. */
#include "good.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_code code = GoodInvoke(self, call, method, request);
  const int plain = method.size > 0 && memchr(method.data, 0, method.size) == NULL;
  return code == DCP_UNIMPLEMENTED && plain ? DCP_NOT_FOUND : code;
}

GOOD_PLUGIN(table.invoke = Invoke)
