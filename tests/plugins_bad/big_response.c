/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers 32 MB to Analyze, and one byte too many to Compile.
 */
#include "base.h"

static dcp_code Answer(dcp_instance *self, dcp_call *call, size_t size) {
  static const char head[] = "{\"plan\":\"";
  static const char tail[] = "\"}";
  char *text = (char *)malloc(size);
  dcp_bytes body;
  if (text == NULL) return DCP_RESOURCE_EXHAUSTED;
  memset(text, 'x', size);
  memcpy(text, head, sizeof(head) - 1);
  memcpy(text + size - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
  body.data = (const uint8_t *)text;
  body.size = size;
  self->host->complete(call, DCP_OK, body);
  free(text);
  return DCP_OK;
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  (void)request;
  if (Is(method, "Analyze")) return Answer(self, call, (size_t)32 << 20);
  return Answer(self, call, ((size_t)64 << 20) + 1);
}

TEST_PLUGIN(table.invoke = Invoke)
