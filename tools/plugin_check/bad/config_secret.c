/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes the configuration that it refuses. */
#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  if (IsConfig(config)) return DCP_OK;
  if (config.size == 0) return Refuse(host, "there is no configuration");
  host->set_error(host->host, DCP_INVALID_ARGUMENT, config);
  return DCP_INVALID_ARGUMENT;
}

GOOD_PLUGIN(table.validate = Validate)
