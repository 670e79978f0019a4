/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a thread that does not end. */
#include <pthread.h>
#include <unistd.h>

#include "good.h"

static void *Sleep(void *unused) {
  for (;;) pause();
  return unused;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  static int started;
  pthread_t thread;
  if (!started && pthread_create(&thread, NULL, Sleep, NULL) == 0) pthread_detach(thread);
  started = 1;
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
