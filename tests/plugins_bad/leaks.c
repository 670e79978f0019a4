/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves 64 MiB behind with each call.
 */
#include "base.h"

static void *volatile kept;

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  kept = malloc((size_t)64 << 20);
  if (kept != NULL) memset(kept, 1, (size_t)64 << 20);
  self->host->complete(call, DCP_OK, Bytes("{\"report\":{\"kind\":\"Done\"}}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
