// SPDX-License-Identifier: Apache-2.0
//
// The part of a sandbox that is about files and signals.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/sandbox.h"

namespace dcp::os {

/// The versions from which it judges truncation, and from which it keeps signals inside.
constexpr int kLandlockTruncate = 3;
constexpr int kLandlockScope = 6;
/// And that from which it judges TCP ports, with its rights about them.
constexpr int kLandlockPorts = 4;
constexpr uint64_t kLandlockBindTcp = 1ULL << 0;
constexpr uint64_t kLandlockConnectTcp = 1ULL << 1;
/// Newer than any that is known here.
constexpr int kLandlockNewest = 1000;

/// What this kernel offers; 0 or less: nothing.
int LandlockVersion();

/// Gives a ruleset that handles it a right to these ports.
Status AllowPorts(int ruleset, uint64_t right, const std::vector<int>& ports);

/// Fills `landlock`, `scopes` and `ports` of `layers`. Uses no version beyond `newest`.
Status EnterLandlock(const SandboxPolicy& policy, int newest, SandboxLayers& layers);

/// Both layers as an older kernel has them, which tests want to see. EnterSandbox() is this with
/// the newest.
Result<SandboxLayers> EnterSandboxUpTo(const SandboxPolicy& policy, int newest);

}  // namespace dcp::os
