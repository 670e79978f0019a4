/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints size, alignment and every offset of the ABI's structs. Compared with the golden listing of
 * the architecture: a released line never changes, new ones come at the end of their struct.
 */
#include <dcp/plugin.h>
#include <stdio.h>

#define STRUCT(type) printf("%s size=%zu align=%zu\n", #type, sizeof(type), _Alignof(type))
#define FIELD(type, field) \
  printf("  %-15s offset=%zu size=%zu\n", #field, offsetof(type, field), sizeof(((type *)0)->field))

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
}

int main(void) {
  STRUCT(dcp_bytes);
  FIELD(dcp_bytes, data);
  FIELD(dcp_bytes, size);
  PrintHost();
  PrintPlugin();
  printf("dcp_code=%zu dcp_level=%zu dcp_event=%zu\n", sizeof(dcp_code), sizeof(dcp_level),
         sizeof(dcp_event));
  return 0;
}
