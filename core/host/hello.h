// SPDX-License-Identifier: Apache-2.0
//
// The first frame that a worker gets: what to run, and what to give up before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/sandbox.h"

namespace dcp::host {

/// What a worker may use; 0: as much as the daemon itself.
struct WorkerLimits {
  int64_t memory_bytes = 0;  ///< of private memory; allocations fail beyond it
  int64_t open_files = 0;
  friend bool operator==(const WorkerLimits&, const WorkerLimits&) = default;
};

struct Hello {
  std::string plugin_path;    ///< what is loaded
  std::string plugin_source;  ///< its name for people; empty: the same
  bool sandboxed = true;
  os::SandboxPolicy sandbox;
  WorkerLimits limits;
};

std::string EncodeHello(const Hello& hello);
/// FAILED_PRECONDITION for a host that speaks another protocol, INVALID_ARGUMENT for a body that
/// no host of ours sends.
Result<Hello> DecodeHello(std::string_view body);

}  // namespace dcp::host
