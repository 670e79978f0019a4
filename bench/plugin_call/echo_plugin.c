/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that does nothing but answer, so that what is measured is the way to it.
 *   Echo     the request's bytes
 *   Analyze  {"sql":TEXT} as {"engine":TEXT}: an echo that is a message of the contract
 *   Events   as many DATA events of 100 bytes as the request says
 */
#include <dcp/plugin.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;

#define EVENT_BYTES 100

struct dcp_instance {
  const dcp_host_api *host;
};

static int Is(dcp_bytes bytes, const char *text) {
  return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  (void)host;
  (void)config;
  return DCP_OK;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)config;
  *out = (dcp_instance *)malloc(sizeof(dcp_instance));
  if (*out == NULL) return DCP_RESOURCE_EXHAUSTED;
  (*out)->host = host;
  return DCP_OK;
}

static void Destroy(dcp_instance *self) { free(self); }

static dcp_code Analyze(dcp_instance *self, dcp_call *call, dcp_bytes request) {
  static const char before[] = "{\"sql\":";
  static const char after[] = "{\"engine\":";
  const size_t skip = sizeof(before) - 1;
  const size_t head = sizeof(after) - 1;
  uint8_t *body;
  if (request.size < skip || memcmp(request.data, before, skip) != 0) return DCP_INVALID_ARGUMENT;
  body = (uint8_t *)malloc(head + request.size);
  if (body == NULL) return DCP_RESOURCE_EXHAUSTED;
  memcpy(body, after, head);
  memcpy(body + head, request.data + skip, request.size - skip);
  self->host->complete(call, DCP_OK, (dcp_bytes){body, head + request.size - skip});
  free(body);
  return DCP_OK;
}

static dcp_code Events(dcp_instance *self, dcp_call *call, dcp_bytes request) {
  static const uint8_t event[EVENT_BYTES] = {0};
  dcp_code code = DCP_OK;
  size_t count = 0;
  size_t i;
  for (i = 0; i < request.size; ++i) count = 10 * count + (size_t)(request.data[i] - '0');
  for (i = 0; i < count && code == DCP_OK; ++i) {
    code = self->host->emit(call, DCP_EVENT_DATA, (dcp_bytes){event, sizeof(event)});
  }
  self->host->complete(call, code, (dcp_bytes){NULL, 0});
  return DCP_OK;
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (Is(method, "Analyze")) return Analyze(self, call, request);
  if (Is(method, "Events")) return Events(self, call, request);
  if (!Is(method, "Echo")) return DCP_UNIMPLEMENTED;
  self->host->complete(call, DCP_OK, request);
  return DCP_OK;
}

static void Cancel(dcp_instance *self, dcp_call *call) {
  (void)self;
  (void)call;
}

static const void *Extension(const char *id) {
  (void)id;
  return NULL;
}

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api table;
  table.struct_size = DCP_PLUGIN_API_MIN;
  table.abi_minor = DCP_ABI_MINOR;
  table.descriptor.data = dcp_manifest_data;
  table.descriptor.size = dcp_manifest_size;
  table.validate = Validate;
  table.create = Create;
  table.destroy = Destroy;
  table.invoke = Invoke;
  table.cancel = Cancel;
  table.extension = Extension;
  return &table;
}
