/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a file and does not close it. */
#include <fcntl.h>

#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  static int opened;
  if (!opened) (void)!open("/dev/zero", O_RDONLY | O_CLOEXEC);
  opened = 1;
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
