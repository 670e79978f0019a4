/* SPDX-License-Identifier: Apache-2.0
 *
 * Says a line of each level through its log function, one of them hostile.
 */
#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_host_api *host = self->host;
  host->log(host->host, DCP_TRACE, call, Bytes("at trace"));
  host->log(host->host, DCP_INFO, call, Bytes("at info"));
  host->log(host->host, DCP_WARNING, call, Bytes("at warning\x1b[2J\nand more"));
  host->log(host->host, DCP_FATAL, call, Bytes("at fatal"));
  return BaseInvoke(self, call, method, request);
}

TEST_PLUGIN(table.invoke = Invoke)
