/* SPDX-License-Identifier: Apache-2.0 */
/* Says that it made an instance, and made none. */
#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)host;
  *out = NULL;
  return IsConfig(config) ? DCP_OK : Refuse(host, "the configuration is no object");
}

GOOD_PLUGIN(table.create = Create)
