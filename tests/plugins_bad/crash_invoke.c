/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes in a call.
 */
#include <stdio.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  fputs("the widget is upside down\n", stderr);
  __builtin_trap();
}

TEST_PLUGIN(table.invoke = Invoke)
