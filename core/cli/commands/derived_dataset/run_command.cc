// SPDX-License-Identifier: Apache-2.0
//
// pretzel derived-dataset run.
#include <array>
#include <filesystem>

#include "base/id.h"
#include "cli/command.h"
#include "cli/commands/derived_dataset/options.h"

namespace dcp::cli {
namespace {

constexpr std::array<std::string_view, 5> kRunVerbs = {"list", "get", "logs", "wait", "cancel"};

int Run(Session& session) {
  const auto plan = PlanOf("run", session.arguments(), /*waits=*/false);
  if (!plan.ok()) return session.Fail(plan.status());
  // `run` is a verb over files and a noun with verbs: a slip in a verb looks like a file.
  const std::string first = session.arguments().Word(0);
  const std::string verb = Nearest(first, kRunVerbs);
  std::error_code error;  // one that cannot be looked at is said when it is read
  if (!verb.empty() && first != "-" && !std::filesystem::exists(first, error) && !error) {
    return session.Fail(NotFound("there is no file " + first)
                            .WithId("PZ0905")
                            .WithHint("did you mean \"pretzel run " + verb + "\"?"));
  }
  return RunManifests(session, *plan, session.arguments().words());
}

}  // namespace

Command RunCommand(std::vector<std::string> path) {
  const bool short_form = path.size() == 1;
  const std::string name = short_form ? path[0] : path[0] + " " + path[1];
  return {.path = std::move(path),
          .arguments = "FILE...",
          .summary = "Compute the datasets with batch jobs, into the playground",
          .details =
              std::string("FILE is a manifest, a folder of them, or - for standard input. Prints "
                          "the run's id as soon as\nits jobs are planned; the run goes on by "
                          "itself. With --wait, ends when the run has: 0 when it\nsucceeded, 7 "
                          "when not, 8 when the time was over first. Ctrl-C detaches and cancels "
                          "nothing.") +
              (short_form ? "\n\npretzel run list|get|logs|wait|cancel are commands about runs; "
                            "write ./list for a file of such a name."
                          : ""),
          .flags = {{"wait", 0, "TIME", "until the run has ended, or at most TIME (--wait=10m)",
                     false, true},
                    {"no-wait", 0, "", "do not wait (default)"},
                    ParamFlag(),
                    ClientTokenFlag()},
          .examples = "  pretzel " + name + " B.yaml\n  pretzel " + name +
                      " B.yaml --wait=10m\n  pretzel run logs -f $(pretzel " + name +
                      " B.yaml -q)\n",
          .words_min = 1,
          .words_max = kWordsMany,
          .run = Run};
}

}  // namespace dcp::cli
