// SPDX-License-Identifier: Apache-2.0
//
// What the daemon keeps of the memory that a burst of calls needed.
#pragma once

#include <cstddef>

namespace dcp::daemon {

/// Freed memory up to which none is given back: the next call needs it at once.
constexpr size_t kFreeMemoryMax = size_t{32} << 20;

/// Has all threads allocate from few arenas. By default glibc makes up to eight for each core, and
/// what one thread freed in its own stays there. Before any other thread exists.
void KeepMemoryTogether();
/// Gives memory that was freed back to the system, if it is much. [any]
void ReturnFreeMemory();

}  // namespace dcp::daemon
