// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground extend.
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Extend(Session& session) {
  v1::ExtendPlaygroundRequest request;
  if (session.arguments().Has("ttl")) {
    const auto ttl = ParseDuration(session.arguments().Text("ttl"));
    if (!ttl.ok()) return session.Fail(ttl.status().With("--ttl"));
    request.set_ttl_ms(*ttl);
  }
  const auto name = session.NamedPlayground();
  if (!name.ok()) return session.Fail(name.status());
  request.set_name(*name);
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto extended = (*client)->ExtendPlayground(request);
  if (!extended.ok()) return session.Fail(extended.status());
  session.Print(session.json() ? PlaygroundJson(*extended)
                               : "playground " + extended->name() + " lives until " +
                                     TimeText(extended->expires_at_ms()) + "\n");
  return kExitOk;
}

}  // namespace

Command PlaygroundExtendCommand() {
  return {
      .path = {"playground", "extend"},
      .arguments = "[NAME]",
      .summary = "Let a playground live longer",
      .flags = {{"ttl", 0, "TIME", "how long from now, e.g. 7d (default: what a new one gets)"}},
      .examples =
          "  pretzel playground extend\n"
          "  pretzel playground extend fin-123 --ttl 7d\n",
      .words_max = 1,
      .run = Extend};
}

}  // namespace dcp::cli
