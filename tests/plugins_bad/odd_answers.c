/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are not the contract's messages, and a code that does not exist.
 */
#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_host_api *host = self->host;
  (void)request;
  if (Is(method, "Describe")) {
    host->complete(call, DCP_OK, Bytes("{\"kind\":[\"Base\"]}"));
  } else if (Is(method, "Analyze")) {
    host->complete(call, DCP_OK, Bytes("not json"));
  } else {
    host->complete(call, 99, Bytes("not json either"));
  }
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
