// SPDX-License-Identifier: Apache-2.0
//
// pretzel run cancel.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Cancel(Session& session) {
  v1::CancelRunRequest request;
  request.set_id(session.arguments().Word(0));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto run = (*client)->CancelRun(request);
  if (!run.ok()) return session.Fail(run.status());
  const bool ended = run->finished_at_ms() != 0;
  session.Print(session.json()
                    ? RunJson(*run)
                    : "run " + run->id() + ": " +
                          (ended ? "has ended, " + run->state() : "is being cancelled") + "\n");
  return kExitOk;
}

}  // namespace

Command RunCancelCommand() {
  return {.path = {"run", "cancel"},
          .arguments = "RUN",
          .summary = "Ask a run to end; its jobs are stopped",
          .examples = "  pretzel run cancel r0123456789abcdef\n",
          .words_min = 1,
          .words_max = 1,
          .run = Cancel};
}

}  // namespace dcp::cli
