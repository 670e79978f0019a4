/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves memory behind when it refuses. */
#include "good.h"

static void *volatile kept;

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (!IsConfig(config)) kept = malloc(1000);
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
