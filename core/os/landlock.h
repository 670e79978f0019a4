// SPDX-License-Identifier: Apache-2.0
//
// The part of a sandbox that is about files and signals.
#pragma once

#include "base/result.h"
#include "os/sandbox.h"

namespace dcp::os {

/// Fills `landlock` and `signals` of `layers`.
Status EnterLandlock(const SandboxPolicy& policy, SandboxLayers& layers);

}  // namespace dcp::os
