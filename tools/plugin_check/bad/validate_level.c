/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves memory behind each time. */
#include "good.h"

static void *volatile kept;

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  kept = malloc(1000);
  return GoodValidate(host, config);
}

GOOD_PLUGIN(table.validate = Validate)
