// SPDX-License-Identifier: Apache-2.0
//
// pretzel run get.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"
#include "cli/render/report.h"

namespace dcp::cli {
namespace {

int Get(Session& session) {
  v1::GetRunRequest request;
  request.set_id(session.arguments().Word(0));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto run = (*client)->GetRun(request);
  if (!run.ok()) return session.Fail(run.status());
  session.Print(session.json() ? RunJson(*run) : RunText(*run, session.paint()));
  return kExitOk;
}

}  // namespace

Command RunGetCommand() {
  return {.path = {"run", "get"},
          .arguments = "RUN",
          .summary = "Show a run, its nodes and its report",
          .examples = "  pretzel run get r0123456789abcdef\n",
          .words_min = 1,
          .words_max = 1,
          .run = Get};
}

}  // namespace dcp::cli
