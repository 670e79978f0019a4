/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes in create().
 */
#include <stdio.h>

#include "base.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  (void)host;
  (void)config;
  (void)out;
  fputs("about to give up\n", stderr);
  abort();
}

TEST_PLUGIN(table.create = Create)
