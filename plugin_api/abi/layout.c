/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints size, alignment and every offset of the ABI's structs, and every constant. Compared with
 * the golden listing of the minor and the architecture.
 */
#include <dcp/plugin.h>
#include <stdio.h>

#define STRUCT(type) printf("%s size=%zu align=%zu\n", #type, sizeof(type), _Alignof(type))
#define FIELD(type, field) \
  printf("  %-15s offset=%zu size=%zu\n", #field, offsetof(type, field), sizeof(((type *)0)->field))
#define SIZE(type) printf("%s size=%zu\n", #type, sizeof(type))
#define NUMBER(name) printf("%s %lld\n", #name, (long long)(name))
#define TEXT(name) printf("%s \"%s\"\n", #name, name)

static void PrintHost(void) {
  STRUCT(dcp_host_api);
  FIELD(dcp_host_api, struct_size);
  FIELD(dcp_host_api, abi_minor);
  FIELD(dcp_host_api, host);
  FIELD(dcp_host_api, log);
  FIELD(dcp_host_api, cancelled);
  FIELD(dcp_host_api, deadline_ns);
  FIELD(dcp_host_api, emit);
  FIELD(dcp_host_api, complete);
  FIELD(dcp_host_api, set_error);
  FIELD(dcp_host_api, extension);
#if DCP_ABI_MINOR >= 1
  FIELD(dcp_host_api, post);
#endif
}

static void PrintPlugin(void) {
  STRUCT(dcp_plugin_api);
  FIELD(dcp_plugin_api, struct_size);
  FIELD(dcp_plugin_api, abi_minor);
  FIELD(dcp_plugin_api, min_host_minor);
  FIELD(dcp_plugin_api, flags);
  FIELD(dcp_plugin_api, descriptor);
  FIELD(dcp_plugin_api, validate);
  FIELD(dcp_plugin_api, create);
  FIELD(dcp_plugin_api, destroy);
  FIELD(dcp_plugin_api, invoke);
  FIELD(dcp_plugin_api, cancel);
  FIELD(dcp_plugin_api, extension);
#if DCP_ABI_MINOR >= 1
  FIELD(dcp_plugin_api, drain);
#endif
}

static void PrintCodes(void) {
  NUMBER(DCP_OK);
  NUMBER(DCP_CANCELLED);
  NUMBER(DCP_UNKNOWN);
  NUMBER(DCP_INVALID_ARGUMENT);
  NUMBER(DCP_DEADLINE_EXCEEDED);
  NUMBER(DCP_NOT_FOUND);
  NUMBER(DCP_ALREADY_EXISTS);
  NUMBER(DCP_PERMISSION_DENIED);
  NUMBER(DCP_RESOURCE_EXHAUSTED);
  NUMBER(DCP_FAILED_PRECONDITION);
  NUMBER(DCP_ABORTED);
  NUMBER(DCP_OUT_OF_RANGE);
  NUMBER(DCP_UNIMPLEMENTED);
  NUMBER(DCP_INTERNAL);
  NUMBER(DCP_UNAVAILABLE);
  NUMBER(DCP_DATA_LOSS);
  NUMBER(DCP_UNAUTHENTICATED);
}

static void PrintConstants(void) {
  NUMBER(DCP_ABI_MAJOR);
  NUMBER(DCP_ABI_MINOR);
  NUMBER(DCP_HOST_API_MIN);
  NUMBER(DCP_HOST_API_SIZE);
  NUMBER(DCP_PLUGIN_API_MIN);
  NUMBER(DCP_PLUGIN_API_SIZE);
  PrintCodes();
  NUMBER(DCP_TRACE);
  NUMBER(DCP_DEBUG);
  NUMBER(DCP_INFO);
  NUMBER(DCP_WARNING);
  NUMBER(DCP_ERROR);
  NUMBER(DCP_FATAL);
  NUMBER(DCP_EVENT_DATA);
  NUMBER(DCP_EVENT_PROGRESS);
  NUMBER(DCP_FLAG_PARALLEL);
  TEXT(DCP_ENTRY_SYMBOL);
  TEXT(DCP_MANIFEST_SECTION);
}

int main(void) {
  STRUCT(dcp_bytes);
  FIELD(dcp_bytes, data);
  FIELD(dcp_bytes, size);
  PrintHost();
  PrintPlugin();
  SIZE(dcp_code);
  SIZE(dcp_level);
  SIZE(dcp_event);
  PrintConstants();
  return 0;
}
