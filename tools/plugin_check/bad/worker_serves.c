/* SPDX-License-Identifier: Apache-2.0 */
/* Needs a variable that a worker has not. */
#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (InWorker()) return Refuse(host, "PATH is not set");
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
