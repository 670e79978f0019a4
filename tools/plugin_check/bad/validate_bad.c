/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts every configuration. */
#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  (void)host;
  (void)config;
  return DCP_OK;
}

GOOD_PLUGIN(table.validate = Validate)
