/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts a process in a call, says its number, and leaves it alone.
 */
#include <stdio.h>
#include <unistd.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  char text[100];
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  snprintf(text, sizeof(text), "{\"report\":{\"kind\":\"%d\"}}", (int)child);
  self->host->complete(call, DCP_OK, Bytes(text));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
