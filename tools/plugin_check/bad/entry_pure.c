/* SPDX-License-Identifier: Apache-2.0 */
/* Answers another table each time. */
#include "good.h"

DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api tables[2];
  static unsigned times;
  dcp_plugin_api *table = &tables[__atomic_fetch_add(&times, 1, __ATOMIC_SEQ_CST) % 2];
  GoodTable(table);
  return table;
}
