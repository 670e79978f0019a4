/* SPDX-License-Identifier: Apache-2.0 */
/* Works with a table of the lengths it knows alone. */
#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (host->struct_size > DCP_HOST_API_SIZE) return Refuse(host, "an unknown host");
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
