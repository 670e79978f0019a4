/* SPDX-License-Identifier: Apache-2.0 */
/* Takes an address that there is once in a process. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "good.h"

static int taken;

__attribute__((constructor)) static void Load(void) {
  void *place = mmap((void *)0x6dcb00000000, 4096, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  taken = place == MAP_FAILED;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (taken) return Refuse(host, "somebody else has the address");
  return GoodCreate(host, config, out);
}

GOOD_PLUGIN(table.create = Create)
