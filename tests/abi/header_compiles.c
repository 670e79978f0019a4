/* SPDX-License-Identifier: Apache-2.0
 *
 * The header by itself, its macros used: compiled as C11, C17, C++17 and C++20, warnings as errors.
 */
#include <dcp/plugin.h>

#ifdef __cplusplus
#define ABI_ASSERT(condition) static_assert(condition, #condition)
#else
#define ABI_ASSERT(condition) _Static_assert(condition, #condition)
#endif

ABI_ASSERT(DCP_HOST_API_MIN == DCP_SIZE(dcp_host_api, extension));
ABI_ASSERT(DCP_PLUGIN_API_MIN <= sizeof(dcp_plugin_api));

int UsesTheHeader(const dcp_plugin_api *table, dcp_entry_fn entry);
int UsesTheHeader(const dcp_plugin_api *table, dcp_entry_fn entry) {
  return DCP_HAS(table, dcp_plugin_api, cancel) && entry() == table && DCP_OK == 0;
}
