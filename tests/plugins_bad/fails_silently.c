/* SPDX-License-Identifier: Apache-2.0
 *
 * create() fails and does not say why.
 */
#include "base.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)host;
  (void)config;
  (void)out;
  return DCP_FAILED_PRECONDITION;
}

TEST_PLUGIN(table.create = Create)
