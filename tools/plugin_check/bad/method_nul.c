/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a method's name up to a NUL. */
#include "good.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (method.size > 0 && memchr(method.data, 0, method.size) != NULL) {
    method.size = strlen((const char *)method.data);
  }
  return GoodInvoke(self, call, method, request);
}

GOOD_PLUGIN(table.invoke = Invoke)
