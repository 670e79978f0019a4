/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses without a word. */
#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  (void)host;
  return IsConfig(config) ? DCP_OK : DCP_INVALID_ARGUMENT;
}

GOOD_PLUGIN(table.validate = Validate)
