/* SPDX-License-Identifier: Apache-2.0
 *
 * The entry function answers no table.
 */
#include "base.h"

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) { return NULL; }
