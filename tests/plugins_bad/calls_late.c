/* SPDX-License-Identifier: Apache-2.0
 *
 * Goes on calling the host when it has been destroyed.
 */
#include <pthread.h>

#include "base.h"

static void *Call(void *host) {
  const dcp_host_api *api = (const dcp_host_api *)host;
  for (;;) api->log(api->host, DCP_INFO, NULL, Bytes("still here"));
  return NULL;
}

static void Destroy(dcp_instance *self) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, Call, (void *)(uintptr_t)self->host) == 0)
    pthread_detach(thread);
  BaseDestroy(self);
}

TEST_PLUGIN(table.destroy = Destroy)
