/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses every configuration. */
#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  (void)config;
  return Refuse(host, "not today");
}

GOOD_PLUGIN(table.validate = Validate)
