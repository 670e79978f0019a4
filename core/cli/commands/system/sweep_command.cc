// SPDX-License-Identifier: Apache-2.0
//
// pretzel system sweep.
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

std::string SweepText(const v1::SweepResponse& sweep, const Paint& paint) {
  Table table({"ACTION", "KIND", "NAME", "TABLES", "FILES", "BYTES", "WHY"});
  for (const v1::SweepItem& item : sweep.items()) {
    table.Add({paint.State(item.action()), item.kind(), Printable(item.name()),
               std::to_string(item.tables()), std::to_string(item.files()),
               std::to_string(item.bytes()), Printable(item.reason())});
  }
  return table.size() > 0 ? table.Text() : "";
}

int Sweep(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::SweepRequest request;
  request.set_dry_run(session.arguments().Has("dry-run"));
  request.set_unknown(session.arguments().Has("unknown"));
  const auto sweep = (*client)->Sweep(request);
  if (!sweep.ok()) return session.Fail(sweep.status());
  if (session.json()) {
    session.Print(SweepJson(*sweep, request.dry_run()));
  } else if (session.format() == Format::kName) {
    for (const v1::SweepItem& item : sweep->items()) session.Print(Printable(item.name()) + "\n");
  } else {
    session.Print(SweepText(*sweep, session.paint()));
  }
  if (sweep->items().empty()) session.Note("everything has an owner");
  if (sweep->more()) session.Note("there is more than one sweep takes: sweep again");
  bool failed = !sweep->failures().empty();
  for (const std::string& failure : sweep->failures()) {
    session.Note("not everything could be looked at: " + Printable(failure));
  }
  for (const v1::SweepItem& item : sweep->items()) failed = failed || item.action() == "FAILED";
  return failed ? kExitUnavailable : kExitOk;
}

}  // namespace

Command SweepCommand() {
  return {
      .path = {"system", "sweep"},
      .summary = "Remove job folders, tables and files that have no owner left",
      .details =
          "For operators; the daemon does the same from time to time. YOUNG is what has not been "
          "seen\nwithout an owner for long enough yet. KEPT is never removed by this: it still "
          "runs, or is\nnot of a form that Pretzel writes. Ends with 6 when something failed.",
      .flags = {{"dry-run", 0, "", "only say what would be removed"},
                {"unknown", 0, "",
                 "also what playgrounds have left that this daemon never knew: do so only if no "
                 "other daemon uses this overlay"}},
      .examples = "  pretzel system sweep --dry-run\n  pretzel system sweep -o json\n",
      .run = Sweep};
}

}  // namespace dcp::cli
