// SPDX-License-Identifier: Apache-2.0
//
// Apart from the rest, so that a program which tests an older kernel's layers can link its own.
#include "os/landlock.h"
#include "os/sandbox.h"

namespace dcp::os {

Result<SandboxLayers> EnterSandbox(const SandboxPolicy& policy) {
  return EnterSandboxUpTo(policy, kLandlockNewest);
}

}  // namespace dcp::os
