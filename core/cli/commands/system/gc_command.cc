// SPDX-License-Identifier: Apache-2.0
//
// pretzel system gc.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

int Gc(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::GcRequest request;
  request.set_dry_run(session.arguments().Has("dry-run"));
  const auto gc = (*client)->Gc(request);
  if (!gc.ok()) return session.Fail(gc.status());
  if (session.json()) {
    session.Print(GcJson(*gc, request.dry_run()));
  } else {
    session.Print(std::to_string(gc->runs()) +
                  (request.dry_run() ? " runs would be" : " runs were") + " removed, " +
                  std::to_string(gc->bytes()) + " bytes\n");
  }
  for (const std::string& failure : gc->failures()) session.Note("kept: " + Printable(failure));
  return gc->failures().empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

Command GcCommand() {
  return {.path = {"system", "gc"},
          .summary = "Remove ended runs that are older, or more, than the daemon keeps",
          .details =
              "For operators; the daemon does the same from time to time. What is kept is "
              "configured by "
              "`runs.retention`.\nWith a run go its report, its history and its job folders. Ends "
              "with 6 "
              "when one had to stay.",
          .flags = {{"dry-run", 0, "", "only say how much would be removed"}},
          .examples = "  pretzel system gc --dry-run\n  pretzel system gc -o json\n",
          .run = Gc};
}

}  // namespace dcp::cli
