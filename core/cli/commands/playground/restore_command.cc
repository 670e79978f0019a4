// SPDX-License-Identifier: Apache-2.0
//
// pretzel playground restore.
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Restore(Session& session) {
  v1::RestorePlaygroundRequest request;
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
  const auto restored = (*client)->RestorePlayground(request);
  if (!restored.ok()) return session.Fail(restored.status());
  session.Print(session.json() ? PlaygroundJson(*restored)
                               : "playground " + restored->name() + " is back, and lives until " +
                                     TimeText(restored->expires_at_ms()) + "\n");
  return kExitOk;
}

}  // namespace

Command PlaygroundRestoreCommand() {
  return {
      .path = {"playground", "restore"},
      .arguments = "[NAME]",
      .summary = "Take an expired playground back, with all that is in it",
      .details = "Until it is purged, which `pretzel playground get` says the time of.",
      .flags = {{"ttl", 0, "TIME", "how long from now, e.g. 7d (default: what a new one gets)"}},
      .examples =
          "  pretzel playground restore fin-123\n"
          "  pretzel playground restore fin-123 --ttl 7d\n",
      .words_max = 1,
      .run = Restore};
}

}  // namespace dcp::cli
