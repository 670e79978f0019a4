/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a process and does not end it. */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  static int started;
  if (!started && fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  started = 1;
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
