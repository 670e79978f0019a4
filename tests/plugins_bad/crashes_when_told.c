/* SPDX-License-Identifier: Apache-2.0
 *
 * Works a few milliseconds on each Analyze, many at once, and crashes in Compile. Its last words are
 * the moment of that, in nanoseconds on CLOCK_MONOTONIC.
 */
#include <stdio.h>
#include <time.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const struct timespec work = {0, 3000000};
  struct timespec now;
  if (Is(method, "Compile")) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    fprintf(stderr, "crashed at %lld\n",
            (long long)now.tv_sec * 1000000000LL + (long long)now.tv_nsec);
    __builtin_trap();
  }
  if (!Is(method, "Analyze")) return BaseInvoke(self, call, method, request);
  nanosleep(&work, NULL);
  self->host->complete(call, DCP_OK, Bytes("{\"engine\":\"alive\"}"));
  return DCP_OK;
}

TEST_PLUGIN(table.flags = DCP_FLAG_PARALLEL; table.invoke = Invoke)
