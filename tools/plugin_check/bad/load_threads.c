/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a thread in a constructor. */
#include <pthread.h>
#include <unistd.h>

#include "good.h"

static void *Sleep(void *unused) {
  for (;;) pause();
  return unused;
}

__attribute__((constructor)) static void Load(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, Sleep, NULL) == 0) pthread_detach(thread);
}

GOOD_PLUGIN()
