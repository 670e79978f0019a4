/* SPDX-License-Identifier: Apache-2.0 */
/* Closes descriptors that it did not open. */
#include <sys/stat.h>
#include <unistd.h>

#include "good.h"

/* Only what leads to /dev/null: the worker has its socket among them. */
static void CloseOthers(void) {
  struct stat null;
  struct stat info;
  int fd;
  if (stat("/dev/null", &null) != 0) return;
  for (fd = 3; fd < 20; ++fd) {
    if (fstat(fd, &info) == 0 && info.st_rdev == null.st_rdev && S_ISCHR(info.st_mode)) close(fd);
  }
}

BAD_INVOKE("Compile", CloseOthers())
