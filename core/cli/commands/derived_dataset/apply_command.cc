// SPDX-License-Identifier: Apache-2.0
//
// pretzel derived-dataset apply.
#include "cli/command.h"
#include "cli/commands/derived_dataset/options.h"

namespace dcp::cli {
namespace {

int Apply(Session& session) {
  auto plan = PlanOf("apply", session.arguments(), /*waits=*/true);
  if (!plan.ok()) return session.Fail(plan.status());
  if (session.arguments().Has("recreate")) SetBool(*plan, "recreate", true);
  return RunManifests(session, *plan, session.arguments().words());
}

}  // namespace

Command ApplyCommand(std::vector<std::string> path) {
  const std::string name = path.size() > 1 ? path[0] + " " + path[1] : path[0];
  return {.path = std::move(path),
          .arguments = "FILE...",
          .summary = "Make the playground's tables as the manifests declare them",
          .details =
              "FILE is a manifest, a folder of them, or - for standard input. Repeating it "
              "changes nothing; differences to a table that exists are reported as drift.",
          .flags = {{"recreate", 0, "", "drop and make anew a table that has drifted"},
                    ParamFlag(),
                    ClientTokenFlag()},
          .examples = "  pretzel " + name + " B.yaml\n  pretzel " + name +
                      " manifests/ --playground fin-123\n  pretzel " + name +
                      " B.yaml --recreate\n",
          .words_min = 1,
          .words_max = kWordsMany,
          .run = Apply};
}

}  // namespace dcp::cli
