// SPDX-License-Identifier: Apache-2.0
//
// pretzel version.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Version(Session& session) {
  session.Print(session.json() ? VersionJson(DCP_VERSION) : "pretzel " DCP_VERSION "\n");
  return kExitOk;
}

}  // namespace

Command VersionCommand() {
  return {.path = {"version"},
          .summary = "Show this program's version",
          .examples = "  pretzel version\n",
          .run = Version};
}

}  // namespace dcp::cli
