/* SPDX-License-Identifier: Apache-2.0 */
/* Logs with the host of an instance that is gone. */
#include "good.h"

static const dcp_host_api *first;

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (first == NULL) first = host;
  if (first != host) first->log(first->host, DCP_INFO, NULL, Bytes("one more"));
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
