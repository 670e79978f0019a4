/* SPDX-License-Identifier: Apache-2.0
 *
 * The table that the host calls (dcp/plugin.h). Calls here are short, so each is answered within
 * invoke(): there is no thread to end and nothing to cancel.
 */
#include "backend.h"

/* What dcp_add_plugin(), or dcp/sdk/manifest.S, embeds. */
extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;

struct dcp_instance {
  const dcp_host_api *host;
  dcp_text config;
};

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  dcp_text why = {NULL, 0, 0, 0};
  const dcp_code code = backend_configure(config, &why);
  if (code != DCP_OK) host->set_error(host->host, code, dcp_text_view(&why));
  free(why.data);
  return code;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  const dcp_code code = Validate(host, config);
  dcp_instance *self = code == DCP_OK ? (dcp_instance *)calloc(1, sizeof(dcp_instance)) : NULL;
  if (code != DCP_OK) return code;
  if (self != NULL) dcp_text_bytes(&self->config, config.data, config.size);
  if (self == NULL || self->config.failed) {
    static const char kWhy[] = "no memory for an instance";
    host->set_error(host->host, DCP_RESOURCE_EXHAUSTED,
                    (dcp_bytes){(const uint8_t *)kWhy, sizeof kWhy - 1});
    free(self);
    return DCP_RESOURCE_EXHAUSTED;
  }
  self->host = host;
  *out = self;
  return DCP_OK;
}

static void Destroy(dcp_instance *self) {
  free(self->config.data);
  free(self);
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  dcp_text out = {NULL, 0, 0, 0};
  dcp_code code = backend_call(dcp_text_view(&self->config), method, request, &out);
  if (out.failed) {
    code = DCP_RESOURCE_EXHAUSTED;
    out.size = 0;
  }
  self->host->complete(call, code, dcp_text_view(&out));
  free(out.data);
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

dcp_code backend_fail(dcp_text *out, dcp_code code, const char *message, const char *hint) {
  dcp_text_add(out, "{\"message\":");
  dcp_text_json(out, message);
  dcp_text_add(out, ",\"hint\":");
  dcp_text_json(out, hint);
  dcp_text_add(out, "}");
  return code;
}

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
/* The size of the manifest is known to the linker only, so the table is filled here: with the same
 * values each time, whichever thread comes first. */
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api table = {
      DCP_PLUGIN_API_MIN, 0, 0, DCP_FLAG_PARALLEL, {dcp_manifest_data, 0}, Validate, Create,
      Destroy,            Invoke, Cancel, Extension, NULL};
  table.descriptor.size = dcp_manifest_size;
  return &table;
}
