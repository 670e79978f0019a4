/* SPDX-License-Identifier: Apache-2.0
 *
 * The table that the host calls. Its functions are Go's, but for those that need none: a call of
 * cancel() or extension() then costs no way into Go.
 */
#include "shim.h"

#include "_cgo_export.h"

extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  return goValidate((dcp_host_api *)host, config);
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  uintptr_t handle = 0;
  const dcp_code code = goCreate((dcp_host_api *)host, config, &handle);
  *out = (dcp_instance *)handle;
  return code;
}

static void Destroy(dcp_instance *self) { goDestroy((uintptr_t)self); }

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  return goInvoke((uintptr_t)self, call, method, request);
}

static void Cancel(dcp_instance *self, dcp_call *call) {
  (void)self;
  (void)call;
}

static const void *Extension(const char *id) {
  (void)id;
  return NULL;
}

void shim_complete(const dcp_host_api *host, dcp_call *call, dcp_code code, void *data,
                   size_t size) {
  host->complete(call, code, (dcp_bytes){(const uint8_t *)data, size});
}

void shim_set_error(const dcp_host_api *host, dcp_code code, void *data, size_t size) {
  host->set_error(host->host, code, (dcp_bytes){(const uint8_t *)data, size});
}

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api table = {
      DCP_PLUGIN_API_MIN, 0, 0, DCP_FLAG_PARALLEL, {dcp_manifest_data, 0}, Validate, Create,
      Destroy,            Invoke, Cancel, Extension, NULL};
  table.descriptor.size = dcp_manifest_size;
  return &table;
}
