// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground use.
#include "cli/command.h"
#include "cli/exit_code.h"

namespace dcp::cli {
namespace {

int Use(Session& session) {
  v1::GetPlaygroundRequest request;
  request.set_name(session.arguments().Word(0));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto found = (*client)->GetPlayground(request);
  if (!found.ok()) return session.Fail(found.status());
  session.context().playground = found->name();
  if (const Status saved = session.SaveContext(); !saved.ok()) return session.Fail(saved);
  session.Note("playground " + found->name() + " is the current one now");
  return kExitOk;
}

}  // namespace

Command PlaygroundUseCommand() {
  return {.path = {"playground", "use"},
          .arguments = "NAME",
          .summary = "Make a playground the current one",
          .examples = "  pretzel playground use fin-123\n",
          .words_min = 1,
          .words_max = 1,
          .run = Use};
}

}  // namespace dcp::cli
