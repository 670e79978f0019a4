/* SPDX-License-Identifier: Apache-2.0
 *
 * Closes every descriptor that it does not know.
 */
#include <unistd.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  int fd;
  for (fd = 3; fd < 1024; ++fd) close(fd);
  self->host->complete(call, DCP_OK, Bytes("{\"report\":{\"kind\":\"Done\"}}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
