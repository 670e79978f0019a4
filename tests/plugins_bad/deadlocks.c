/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes a lock twice.
 */
#include <pthread.h>

#include "base.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
  self->host->complete(call, DCP_OK, Bytes("{\"report\":{\"kind\":\"Done\"}}"));
  return DCP_OK;
}

TEST_PLUGIN(table.invoke = Invoke)
