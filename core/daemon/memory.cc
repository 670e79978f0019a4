// SPDX-License-Identifier: Apache-2.0
#include "daemon/memory.h"

#include <malloc.h>

namespace dcp::daemon {

void KeepMemoryTogether() {
  // One more than one, so that an allocation seldom waits for another thread's.
  (void)::mallopt(M_ARENA_MAX, 2);
}

void ReturnFreeMemory() {
  if (::mallinfo2().fordblks > kFreeMemoryMax) (void)::malloc_trim(0);
}

}  // namespace dcp::daemon
