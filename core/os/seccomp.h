// SPDX-License-Identifier: Apache-2.0
//
// The part of a sandbox that is about system calls. libseccomp stays in seccomp.cc.
#pragma once

#include "base/result.h"
#include "os/sandbox.h"

namespace dcp::os {

/// Fills `seccomp` of `layers`, and closes what Landlock, as it was entered before, leaves open.
Status EnterSeccomp(const SandboxPolicy& policy, SandboxLayers& layers);

}  // namespace dcp::os
