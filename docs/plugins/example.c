/* SPDX-License-Identifier: Apache-2.0
 * The smallest complete plugin: a run backend whose every job is over at once, with no rows.
 * Build it as docs/plugins/tutorial.md ends: with dcp_add_plugin(), or by hand with pkg-config. */
#include <dcp/plugin.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char dcp_manifest_data[]; /* embedded by the build */
extern const size_t dcp_manifest_size;

struct dcp_instance {
  const dcp_host_api *host;
};

static dcp_bytes Text(const char *text) { return (dcp_bytes){(const uint8_t *)text, strlen(text)}; }

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  if (config.size > 0 && config.data[0] == '{') return DCP_OK;
  host->set_error(host->host, DCP_INVALID_ARGUMENT, Text("the configuration is no JSON object"));
  return DCP_INVALID_ARGUMENT;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (Validate(host, config) != DCP_OK) return DCP_INVALID_ARGUMENT;
  *out = malloc(sizeof(dcp_instance));
  if (*out != NULL) (*out)->host = host;
  if (*out == NULL) host->set_error(host->host, DCP_RESOURCE_EXHAUSTED, Text("no memory"));
  return *out != NULL ? DCP_OK : DCP_RESOURCE_EXHAUSTED;
}

static void Destroy(dcp_instance *self) { free(self); }

/* Answers within invoke(): DCP_OK means that the call was taken, complete() says how it ended. */
static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const int submit = method.size == 6 && memcmp(method.data, "Submit", 6) == 0;
  const int check = method.size == 5 && memcmp(method.data, "Check", 5) == 0;
  (void)request; /* a real one reads the job, and puts what finds it again into the handle */
  if (!submit && !check) {
    self->host->complete(call, DCP_UNIMPLEMENTED, Text("{\"message\":\"no such method\"}"));
    return DCP_OK;
  }
  self->host->complete(
      call, DCP_OK,
      Text(submit ? "{\"handle\":\"done\"}"
                  : "{\"state\":\"JOB_SUCCEEDED\",\"result\":{\"rows\":\"0\"}}"));
  return DCP_OK;
}

static void Cancel(dcp_instance *self, dcp_call *call) { (void)self, (void)call; }
static const void *Extension(const char *id) { return (void)id, NULL; }

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api table = {DCP_PLUGIN_API_MIN, 0, 0, DCP_FLAG_PARALLEL, {dcp_manifest_data, 0},
                                 Validate, Create, Destroy, Invoke, Cancel, Extension, NULL};
  table.descriptor.size = dcp_manifest_size;
  return &table;
}
