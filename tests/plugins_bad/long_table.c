/* SPDX-License-Identifier: Apache-2.0
 *
 * A table longer than ours, from a newer SDK: not a fault.
 */
#include "base.h"

/* What ABI 1.9 may have appended. */
static struct {
  dcp_plugin_api known;
  void *newer[4];
} longer;

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  BaseTable(&longer.known);
  longer.known.struct_size = (uint32_t)sizeof(longer);
  longer.known.abi_minor = 9;
  return &longer.known;
}
