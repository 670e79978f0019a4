// SPDX-License-Identifier: Apache-2.0
//
// pretzel derived-dataset preview.
#include "cli/command.h"
#include "cli/commands/derived_dataset/options.h"

namespace dcp::cli {
namespace {

int Preview(Session& session) {
  auto plan = PlanOf("preview", session.arguments(), /*waits=*/true);
  if (!plan.ok()) return session.Fail(plan.status());
  if (const Status rows = SetPreview(*plan, session.arguments()); !rows.ok()) {
    return session.Fail(rows);
  }
  return RunManifests(session, *plan, session.arguments().words());
}

}  // namespace

Command PreviewCommand(std::vector<std::string> path) {
  const std::string name = path.size() > 1 ? path[0] + " " + path[1] : path[0];
  Command command;
  command.path = std::move(path);
  command.arguments = "FILE...";
  command.summary = "Show the first rows of the manifests' queries; nothing is written";
  command.details =
      "FILE is a manifest, a folder of them, or - for standard input. Spark computes the rows now, "
      "in the playground.\nThey are kept with the run until the playground is deleted. -o csv "
      "takes "
      "one dataset. Ends with 0 when there are\nrows to show or none, 1 when a query failed, 2 "
      "when "
      "a manifest is wrong.";
  command.flags = PreviewFlags();
  command.flags.push_back(ParamFlag());
  command.flags.push_back(ClientTokenFlag());
  command.examples = "  pretzel " + name + " B.yaml\n  pretzel " + name +
                     " B.yaml --rows 10 -o csv > rows.csv\n  pretzel " + name +
                     " B.yaml -o json | jq '.datasets[0].rows'\n";
  command.words_min = 1;
  command.words_max = kWordsMany;
  command.run = Preview;
  command.csv = true;
  return command;
}

}  // namespace dcp::cli
