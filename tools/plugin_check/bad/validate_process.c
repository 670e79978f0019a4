/* SPDX-License-Identifier: Apache-2.0 */
/* Goes to another folder. */
#include <unistd.h>

#include "good.h"

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  (void)!chdir("/tmp");
  return GoodValidate(host, config);
}

GOOD_PLUGIN(table.validate = Validate)
