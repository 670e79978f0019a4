// SPDX-License-Identifier: Apache-2.0
//
// Both layers, in the order in which they can be entered: seccomp may forbid Landlock's calls.
#include "os/sandbox.h"

#include "os/landlock.h"
#include "os/seccomp.h"

namespace dcp::os {

std::string SandboxLayers::Missing() const {
  std::string missing;
  if (landlock == 0)
    missing = "files are not confined: this kernel has no Landlock (Linux 5.13), or it is off";
  if (!seccomp) {
    missing += missing.empty() ? "" : "; ";
    missing += "system calls are not confined: this kernel has no seccomp filters";
  }
  return missing;
}

Result<SandboxLayers> EnterSandbox(const SandboxPolicy& policy) {
  SandboxLayers layers;
  DCP_TRY(EnterLandlock(policy, layers));
  DCP_TRY(EnterSeccomp(policy, layers));
  return layers;
}

}  // namespace dcp::os
