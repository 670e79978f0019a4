/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks a signal on the thread of its host. */
#define _GNU_SOURCE
#include <signal.h>

#include "good.h"

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
