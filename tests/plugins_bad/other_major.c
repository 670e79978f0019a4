/* SPDX-License-Identifier: Apache-2.0
 *
 * Built for another major of the ABI only.
 */
#include <dcp/plugin.h>

DCP_EXPORT const void *dcp_plugin_v2(void);
const void *dcp_plugin_v2(void) { return NULL; }
