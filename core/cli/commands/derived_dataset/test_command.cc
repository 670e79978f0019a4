// SPDX-License-Identifier: Apache-2.0
//
// pretzel derived-dataset test.
#include "cli/command.h"
#include "cli/commands/derived_dataset/options.h"

namespace dcp::cli {
namespace {

int Test(Session& session) {
  const std::string mode = session.arguments().Text("mode");
  if (!mode.empty() && mode != "schema" && mode != "explain" && mode != "limit0") {
    return session.Fail(
        InvalidArgument("--mode " + mode + " is not known").WithHint("schema, explain or limit0"));
  }
  for (const char* flag : {"rows", "timeout"}) {
    if (session.arguments().Has(flag) && !session.arguments().Has("preview")) {
      return session.Fail(InvalidArgument(std::string("--") + flag + " goes with --preview"));
    }
  }
  auto plan = PlanOf("test", session.arguments(), /*waits=*/true);
  if (!plan.ok()) return session.Fail(plan.status());
  if (!mode.empty()) SetText(*plan, "mode", mode);
  if (session.arguments().Has("plan")) SetBool(*plan, "plan", true);
  if (session.arguments().Has("preview")) SetBool(*plan, "preview", true);
  if (const Status rows = SetPreview(*plan, session.arguments()); !rows.ok()) {
    return session.Fail(rows);
  }
  return RunManifests(session, *plan, session.arguments().words());
}

}  // namespace

Command TestCommand(std::vector<std::string> path) {
  const std::string name = path.size() > 1 ? path[0] + " " + path[1] : path[0];
  return {.path = std::move(path),
          .arguments = "FILE...",
          .summary = "Have Spark check the manifests' queries; nothing is written",
          .details =
              "FILE is a manifest, a folder of them, or - for standard input. Ends with 0 "
              "when all is well, 1 when a check failed, 2 when a manifest is wrong.",
          .flags = {{"mode", 0, "MODE",
                     "explain (default): inputs and plan too; schema: faster; limit0: also run it "
                     "for no rows"},
                    {"plan", 0, "", "show Spark's plan"},
                    {"preview", 0, "", "show the first rows, too"},
                    PreviewFlags()[0],
                    PreviewFlags()[1],
                    ParamFlag(),
                    ClientTokenFlag()},
          .examples = "  pretzel " + name + " B.yaml\n  pretzel " + name +
                      " B.yaml --mode schema\n  cat B.yaml | pretzel " + name + " - -o json\n",
          .words_min = 1,
          .words_max = kWordsMany,
          .run = Test};
}

}  // namespace dcp::cli
