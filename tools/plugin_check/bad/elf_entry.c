/* SPDX-License-Identifier: Apache-2.0 */
/* The entry is there, and nobody sees it. */
#include "good.h"

const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api table;
  GoodTable(&table);
  return &table;
}
