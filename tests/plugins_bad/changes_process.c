/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes what a process has one of: signal mask, folder, umask, locale, handlers.
 */
#define _GNU_SOURCE
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  signal(SIGTERM, SIG_IGN);
  if (chdir("/") != 0) return DCP_INTERNAL;
  umask(0);
  setlocale(LC_ALL, "C.UTF-8");
  self->host->complete(call, DCP_OK, Bytes("{\"report\":{\"kind\":\"Done\"}}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
