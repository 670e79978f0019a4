// SPDX-License-Identifier: Apache-2.0
#include "os/landlock.h"
#include "os/sandbox.h"

namespace dcp::os {

Result<SandboxLayers> EnterSandbox(const SandboxPolicy& policy) {
  constexpr int kDebian12 = 2;
  return EnterSandboxUpTo(policy, kDebian12);
}

}  // namespace dcp::os
