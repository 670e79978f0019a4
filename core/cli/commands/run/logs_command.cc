// SPDX-License-Identifier: Apache-2.0
//
// pretzel run logs.
#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

int Logs(Session& session) {
  v1::GetRunLogsRequest request;
  request.set_id(session.arguments().Word(0));
  request.set_node_id(session.arguments().Text("node"));
  request.set_follow(session.arguments().Has("follow"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  bool any = false;
  const Status status = (*client)->GetRunLogs(request, [&](const v1::LogChunk& chunk) {
    any = true;
    session.Print(session.io().out_is_terminal ? Printable(chunk.data()) : chunk.data());
  });
  if (!status.ok()) return session.Fail(status);
  if (!any) session.Note("run " + request.id() + " has written no log");
  return kExitOk;
}

}  // namespace

Command RunLogsCommand() {
  return {.path = {"run", "logs"},
          .arguments = "RUN",
          .summary = "Print what the run's jobs wrote",
          .flags = {{"follow", 'f', "", "go on until the run has ended"},
                    {"node", 0, "NODE", "of this node only"}},
          .examples =
              "  pretzel run logs r0123456789abcdef\n"
              "  pretzel run logs -f r0123456789abcdef | grep WARN\n",
          .words_min = 1,
          .words_max = 1,
          .run = Logs};
}

}  // namespace dcp::cli
