/* SPDX-License-Identifier: Apache-2.0
 *
 * A well-behaved plugin in C, piece by piece. Each file beside this one takes what is here and
 * replaces one piece by a faulty one.
 */
#ifndef DCP_TESTS_BASE_H
#define DCP_TESTS_BASE_H

#include <dcp/plugin.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What dcp_add_plugin() embeds. */
extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;

static inline dcp_bytes Bytes(const char *text) {
  dcp_bytes bytes;
  bytes.data = (const uint8_t *)text;
  bytes.size = strlen(text);
  return bytes;
}

static inline int Is(dcp_bytes bytes, const char *text) {
  return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* An instance: the host's table is what it needs to answer. */
struct dcp_instance {
  const dcp_host_api *host;
};

static inline dcp_code BaseValidate(const dcp_host_api *host, dcp_bytes config) {
  if (config.size > 0 && config.data[0] == '{') return DCP_OK;
  host->set_error(host->host, DCP_INVALID_ARGUMENT, Bytes("the configuration is not an object"));
  return DCP_INVALID_ARGUMENT;
}

static inline dcp_code BaseCreate(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)config;
  *out = (dcp_instance *)malloc(sizeof(dcp_instance));
  if (*out == NULL) return DCP_RESOURCE_EXHAUSTED;
  (*out)->host = host;
  return DCP_OK;
}

static inline void BaseDestroy(dcp_instance *self) { free(self); }

static inline dcp_code BaseInvoke(dcp_instance *self, dcp_call *call, dcp_bytes method,
                                  dcp_bytes request) {
  (void)request;
  if (!Is(method, "Describe")) return DCP_UNIMPLEMENTED;
  self->host->complete(call, DCP_OK, Bytes("{\"kinds\":[\"Base\"]}"));
  return DCP_OK;
}

static inline void BaseCancel(dcp_instance *self, dcp_call *call) {
  (void)self;
  (void)call;
}

static inline const void *BaseExtension(const char *id) {
  (void)id;
  return NULL;
}

/* Fills a table; the caller then spoils it. */
static inline void BaseTable(dcp_plugin_api *table) {
  table->struct_size = DCP_PLUGIN_API_MIN;
  table->abi_minor = DCP_ABI_MINOR;
  table->min_host_minor = 0;
  table->flags = 0;
  table->descriptor.data = dcp_manifest_data;
  table->descriptor.size = dcp_manifest_size;
  table->validate = BaseValidate;
  table->create = BaseCreate;
  table->destroy = BaseDestroy;
  table->invoke = BaseInvoke;
  table->cancel = BaseCancel;
  table->extension = BaseExtension;
}

/* The entry symbol over a table that `spoil` changes. */
#define TEST_PLUGIN(spoil)                              \
  DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void); \
  const dcp_plugin_api *dcp_plugin_v1(void) {           \
    static dcp_plugin_api table;                        \
    BaseTable(&table);                                  \
    spoil;                                              \
    return &table;                                      \
  }

#ifdef __cplusplus
}
#endif
#endif /* DCP_TESTS_BASE_H */
