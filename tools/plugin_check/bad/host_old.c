/* SPDX-License-Identifier: Apache-2.0 */
/* Reads behind the host's table without a look at its size. */
#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  const volatile uint8_t *behind = (const uint8_t *)host + DCP_HOST_API_MIN;
  (void)*behind;
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
