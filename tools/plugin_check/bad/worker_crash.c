/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the pid file of a dead process for a living one's. */
#include <unistd.h>

#include "good.h"

static const char *Path(void) {
  static char path[100];
  snprintf(path, sizeof(path), "/tmp/plugin_check_bad_%d", (int)getppid());
  return path;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  FILE *file = InWorker() ? fopen(Path(), "r") : NULL;
  if (file != NULL) {
    fclose(file);
    remove(Path());
    return Refuse(host, "another process has the pid file");
  }
  if (InWorker() && (file = fopen(Path(), "w")) != NULL) fclose(file);
  return GoodCreate(host, config, out);
}

static void Destroy(dcp_instance *self) {
  if (InWorker()) remove(Path());
  BaseDestroy(self);
}

GOOD_PLUGIN(table.create = Create; table.destroy = Destroy)
