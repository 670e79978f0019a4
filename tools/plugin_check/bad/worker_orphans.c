/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a process that nothing ends with its host. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "good.h"

static pid_t child = -1;

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (InWorker()) child = fork();
  if (child == 0) {
    setsid();
    sleep(20);
    _exit(0);
  }
  return GoodCreate(host, config, out);
}

static void Destroy(dcp_instance *self) {
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  BaseDestroy(self);
}

GOOD_PLUGIN(table.create = Create; table.destroy = Destroy)
