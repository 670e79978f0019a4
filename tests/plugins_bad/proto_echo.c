/* SPDX-License-Identifier: Apache-2.0
 *
 * A good plugin that speaks protobuf, its few bytes written by hand.
 */
#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_host_api *host = self->host;
  (void)request;
  if (Is(method, "Describe")) {
    host->complete(call, DCP_OK, Bytes("\x0a\x05Proto")); /* kinds: ["Proto"] */
  } else if (Is(method, "Analyze")) {
    host->complete(call, DCP_OK, Bytes("\xff\xff")); /* no message begins so */
  } else {
    host->complete(call, DCP_NOT_FOUND, Bytes("\x0a\x06PZ0001\x12\x07nothing")); /* id, message */
  }
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
