/* SPDX-License-Identifier: Apache-2.0 */
/* Is slow to go. */
#include "good.h"

static void Destroy(dcp_instance *self) {
  const struct timespec pause = {4, 0};
  if (InWorker()) nanosleep(&pause, NULL);
  BaseDestroy(self);
}

GOOD_PLUGIN(table.destroy = Destroy)
