/* SPDX-License-Identifier: Apache-2.0
 *
 * create() says that all is well and makes nothing.
 */
#include "base.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)host;
  (void)config;
  (void)out;
  return DCP_OK;
}

TEST_PLUGIN(table.create = Create)
