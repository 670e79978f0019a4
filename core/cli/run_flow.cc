// SPDX-License-Identifier: Apache-2.0
//
// From files to an outcome.
#include "cli/run_flow.h"

#include "base/id.h"
#include "base/limits.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"
#include "cli/render/report.h"
#include "cli/render/rows.h"
#include "cli/run_watch.h"
#include "cli/several_runs.h"

namespace dcp::cli {
namespace {

/// The rows alone; a report without any goes to stderr, so that no program takes it for data.
int PrintCsv(Session& session, const v1::Run& run, const std::vector<SourceFile>& sources) {
  const std::vector<ShownRows> shown = ShownRowsOf(run);
  if (shown.size() > 1) {
    return session.Fail(InvalidArgument("-o csv shows one dataset, and the manifests hold " +
                                        std::to_string(shown.size()))
                            .WithHint("name one manifest, or take -o json"));
  }
  if (ExitCodeOf(run) != kExitOk || shown.empty()) {
    session.Note(ReportText(run, sources, Paint()));
    return ExitCodeOf(run);
  }
  session.Print(RowsCsv(shown.front()));
  if (shown.front().more_rows) session.Note("there are more rows (--rows)");
  if (shown.front().truncated) session.Note("the rest is over the size limit of a preview");
  return kExitOk;
}

/// Prints what came out; answers the exit code.
int Conclude(Session& session, const Watched& watched, const std::vector<SourceFile>& sources) {
  const v1::Run& run = watched.run;
  switch (watched.outcome) {
    case Outcome::kInterrupted:
      session.Note("detached; the run goes on. Follow it with: pretzel run wait " + run.id());
      return kExitInterrupted;
    case Outcome::kTimedOut:
      session.Note("stopped waiting; the run goes on. Follow it with: pretzel run wait " +
                   run.id());
      return kExitTimedOut;
    case Outcome::kCompiled:
      session.Print(session.json() ? RunJson(run) : run.id() + "\n");
      session.Note("started; follow it with: pretzel run wait " + run.id() +
                   "  (or: pretzel run logs -f " + run.id() + ")");
      return kExitOk;
    case Outcome::kEnded:
      break;
  }
  if (session.format() == Format::kCsv) return PrintCsv(session, run, sources);
  if (session.json()) {
    session.Print(RunJson(run));
  } else if (session.format() == Format::kName) {
    session.Print(run.id() + "\n");
  } else {
    session.Print(ReportText(run, sources, session.paint()));
  }
  return ExitCodeOf(run);
}

/// The manifests, when one run takes them all; nothing: they are too many for one.
Result<std::optional<std::vector<SourceFile>>> ReadForOneRun(
    ManifestReader& reader, const std::vector<ManifestName>& names) {
  uint64_t bytes = 0;
  for (const ManifestName& name : names) bytes += name.bytes;
  if (names.size() > limits::kManifestsMax || bytes > limits::kRequestBytesMax) {
    return std::optional<std::vector<SourceFile>>();
  }
  DCP_ASSIGN(auto manifests, reader.ReadAll(names));
  size_t documents = 0;
  for (const SourceFile& manifest : manifests) documents += CountDocuments(manifest.content);
  if (documents > limits::kManifestsMax) return std::optional<std::vector<SourceFile>>();
  return std::optional(std::move(manifests));
}

}  // namespace

int RunManifests(Session& session, const RunPlan& plan, const std::vector<std::string>& paths) {
  const auto playground = session.Playground();
  if (!playground.ok()) return session.Fail(playground.status());
  const auto names = NameManifests(paths);
  if (!names.ok()) return session.Fail(names.status());
  ManifestReader reader(session.io());
  const auto manifests = ReadForOneRun(reader, *names);
  if (!manifests.ok()) return session.Fail(manifests.status());
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const std::string token = plan.client_token.empty() ? RandomUuid() : plan.client_token;
  NotNow not_now(session, plan.timeout_ms);
  if (!manifests->has_value()) {
    return RunInPieces(session, **client, *playground, plan, token, not_now, *names, reader);
  }
  std::vector<SourceFile> files;
  const auto watched = RunOnce(session, **client, *playground, plan, token, not_now, **manifests,
                               &files, /*patient=*/false, ShowNodes(session));
  if (!watched.ok()) {
    const int code = session.Fail(watched.status());
    return not_now.over() ? kExitTimedOut : code;
  }
  std::vector<SourceFile> sources = **manifests;
  sources.insert(sources.end(), files.begin(), files.end());
  return Conclude(session, *watched, sources);
}

int WaitForRun(Session& session, const std::string& id, int64_t timeout_ms) {
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::GetRunRequest request;
  request.set_id(id);
  // Asked before watching, which is patient: a wrong id or a daemon that is down is said at once.
  NotNow not_now(session, timeout_ms);
  auto run = (*client)->GetRun(request);
  while (!run.ok() && not_now.Wait(run.status())) run = (*client)->GetRun(request);
  if (!run.ok()) {
    const int code = session.Fail(run.status());
    return not_now.over() ? kExitTimedOut : code;
  }
  const auto watched = WatchToEnd(session, **client, id, /*until_compiled=*/false, not_now.Left(),
                                  ShowNodes(session));
  if (!watched.ok()) return session.Fail(watched.status());
  return Conclude(session, *watched, {});
}

}  // namespace dcp::cli
