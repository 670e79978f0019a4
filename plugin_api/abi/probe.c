/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest library that shows the whole ABI to abidiff: its one function reaches every type,
 * and is exported under the name that the header gives.
 */
#include <dcp/plugin.h>

const dcp_plugin_api *Probe(void) __asm__(DCP_ENTRY_SYMBOL);

DCP_EXPORT const dcp_plugin_api *Probe(void) { return 0; }
