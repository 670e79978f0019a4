/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses what the manifest gives as an example. */
#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  if (config.size > 2 && memchr(config.data, '7', config.size) != NULL)
    return Refuse(host, "not seven");
  return GoodValidate(host, config);
}

GOOD_PLUGIN(table.validate = Validate)
