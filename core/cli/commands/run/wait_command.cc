// SPDX-License-Identifier: Apache-2.0
//
// pretzel run wait.
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

int Wait(Session& session) {
  int64_t timeout_ms = 0;
  if (session.arguments().Has("timeout")) {
    const auto timeout = ParseDuration(session.arguments().Text("timeout"));
    if (!timeout.ok()) return session.Fail(timeout.status());
    timeout_ms = *timeout;
  }
  return WaitForRun(session, session.arguments().Word(0), timeout_ms);
}

}  // namespace

Command RunWaitCommand() {
  return {.path = {"run", "wait"},
          .arguments = "RUN",
          .summary = "Wait until a run has ended, and print its report",
          .details = "Ends as the run did: 0, 1, 2 or 7; 8 when the time was over first.",
          .flags = {{"timeout", 0, "TIME", "stop waiting after TIME; the run goes on"}},
          .examples = "  pretzel run wait r0123456789abcdef --timeout 10m\n",
          .words_min = 1,
          .words_max = 1,
          .run = Wait};
}

}  // namespace dcp::cli
