/* SPDX-License-Identifier: Apache-2.0
 *
 * A good plugin: shows the request it got, or fails as it is told to.
 */
#include <stdio.h>

#include "base.h"

/* {"engine": the request as a string, "engineVersion": the value of TEST_ECHO} */
static dcp_code Show(dcp_instance *self, dcp_call *call, dcp_bytes request) {
  const char *variable = getenv("TEST_ECHO");
  char *text = (char *)malloc(2 * request.size + 256);
  size_t at = 0;
  size_t i;
  if (text == NULL) return DCP_RESOURCE_EXHAUSTED;
  at += (size_t)sprintf(text, "{\"engine\":\"");
  for (i = 0; i < request.size; ++i) {
    if (request.data[i] == '"' || request.data[i] == '\\') text[at++] = '\\';
    text[at++] = (char)request.data[i];
  }
  at += (size_t)sprintf(text + at, "\",\"engineVersion\":\"%.100s\"}",
                        variable == NULL ? "" : variable);
  self->host->complete(call, DCP_OK, (dcp_bytes){(const uint8_t *)text, at});
  free(text);
  return DCP_OK;
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  if (Is(method, "Analyze")) return Show(self, call, request);
  if (Is(method, "Compile")) {
    self->host->complete(call, DCP_INVALID_ARGUMENT,
                         Bytes("{\"id\":\"PZ0203\",\"message\":\"no column dayy\",\"hint\":\"day\","
                               "\"location\":{\"file\":\"b.yaml\",\"line\":4,\"column\":9}}"));
    return DCP_OK;
  }
  return DCP_UNIMPLEMENTED;
}

TEST_PLUGIN(table.invoke = Invoke)
