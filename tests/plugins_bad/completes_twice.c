/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers every call twice.
 */
#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  (void)method;
  (void)request;
  self->host->complete(call, DCP_OK, Bytes("{\"kinds\":[\"First\"]}"));
  self->host->complete(call, DCP_INTERNAL, Bytes("{\"message\":\"second\"}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
