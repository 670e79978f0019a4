// SPDX-License-Identifier: Apache-2.0
//
// pretzel service restart.
#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

int Restart(Session& session) {
  v1::RestartServiceRequest request;
  request.set_name(session.arguments().Word(0));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto restarted = (*client)->RestartService(request);
  if (!restarted.ok()) return session.Fail(restarted.status());
  const std::string name = Printable(request.name());
  session.Print(session.json() ? "{\"name\": \"" + name + "\"}\n"
                               : name + " is being restarted; `pretzel status` shows how it is\n");
  return kExitOk;
}

}  // namespace

Command ServiceRestartCommand() {
  return {.path = {"service", "restart"},
          .arguments = "NAME",
          .summary = "Restart a service, or the worker of a plugin instance",
          .details =
              "One that is FAILED gets all its attempts again. Running jobs are not touched;\n"
              "open calls of a plugin's worker are made again where that is safe.",
          .examples =
              "  pretzel service restart spark-connect\n"
              "  pretzel service restart local-batch\n",
          .words_min = 1,
          .words_max = 1,
          .run = Restart};
}

}  // namespace dcp::cli
