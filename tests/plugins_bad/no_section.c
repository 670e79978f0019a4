/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports the entry symbol and carries no manifest.
 */
#include <dcp/plugin.h>

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) { return NULL; }
