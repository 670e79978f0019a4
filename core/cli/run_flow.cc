// SPDX-License-Identifier: Apache-2.0
//
// From files to an outcome.
#include "cli/run_flow.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/id.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/render/json.h"
#include "cli/render/report.h"
#include "cli/render/rows.h"

namespace dcp::cli {
namespace {

enum class Outcome { kEnded, kCompiled, kInterrupted, kTimedOut };

struct Watched {
  Outcome outcome = Outcome::kEnded;
  v1::Run run;
};

/// What the daemon refuses only for now is asked again by whoever waits, until their time is over.
class NotNow {
 public:
  NotNow(Session& session, int64_t timeout_ms)
      : session_(session), end_(timeout_ms == 0 ? 0 : SystemClock().Steady() + timeout_ms) {}

  /// How long to wait before it is asked again; nothing: `status` is no such refusal, or the time
  /// is over. Says why once.
  std::optional<int64_t> Pause(const Status& status) {
    if (status.code() != Code::kResourceExhausted || status.id() != kNotNowId) return std::nullopt;
    const SteadyMillis now = SystemClock().Steady();
    over_ = end_ != 0 && now >= end_;
    if (over_) return std::nullopt;
    if (pause_ms_ == 0) session_.Note(status.message() + "; waiting for room");
    pause_ms_ = pause_ms_ == 0 ? kNotNowPauseMs : std::min(pause_ms_ * 2, kNotNowPauseMsMax);
    const int64_t jittered =
        std::uniform_int_distribution<int64_t>(pause_ms_ / 2, pause_ms_)(random_);
    return end_ == 0 ? jittered : std::min(jittered, end_ - now);
  }
  /// The same for those whose interrupt ends the process; false: there is nothing to wait for.
  bool Wait(const Status& status) {
    const auto pause = Pause(status);
    if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(*pause));
    return pause.has_value();
  }
  bool over() const { return over_; }
  /// What is left of a time-out; 0: there is none.
  int64_t Left() const {
    return end_ == 0 ? 0 : std::max<int64_t>(1, end_ - SystemClock().Steady());
  }

 private:
  Session& session_;
  const SteadyMillis end_;
  int64_t pause_ms_ = 0;
  bool over_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

class Watcher {
 public:
  Watcher(Session& session, Client& client, std::string id, bool until_compiled, int64_t timeout_ms)
      : session_(session),
        client_(client),
        id_(std::move(id)),
        until_compiled_(until_compiled),
        timeout_ms_(timeout_ms),
        started_(SystemClock().Steady()),
        interrupts_([this] { slot_.Cancel(); }) {}

  Result<Watched> Watch() {
    SteadyMillis lost_since = 0;
    NotNow not_now(session_, timeout_ms_);
    while (true) {
      v1::WatchRunRequest request;
      request.set_id(id_);
      request.set_after_sequence(after_);
      const int64_t left = timeout_ms_ == 0 ? 0 : std::max<int64_t>(1, timeout_ms_ - Elapsed());
      const int64_t seen = after_;
      const Status status = client_.WatchRun(
          request, left, [this](const v1::RunEvent& event) { return Take(event); },
          [this](std::function<void()> cancel) { slot_.Set(std::move(cancel)); });
      if (done_) return watched_;
      if (interrupts_.Happened()) return Stop(Outcome::kInterrupted);
      if (status.code() == Code::kDeadlineExceeded) return Stop(Outcome::kTimedOut);
      if (const auto pause = not_now.Pause(status)) {
        if (interrupts_.WaitFor(*pause)) return Stop(Outcome::kInterrupted);
        continue;
      }
      if (not_now.over()) return Stop(Outcome::kTimedOut);
      // A daemon that stops or dies cuts the stream; the run goes on when it is back.
      const bool lost = status.code() == Code::kUnavailable || status.code() == Code::kCancelled;
      if (!status.ok() && !lost) return status;
      const SteadyMillis now = SystemClock().Steady();
      if (lost_since == 0 || after_ > seen) lost_since = now;
      if (now - lost_since > kReconnectMs) {
        return status.ok() ? Unavailable("dcpd keeps ending the watch of run " + id_) : status;
      }
      if (interrupts_.WaitFor(kReconnectPauseMs)) return Stop(Outcome::kInterrupted);
    }
  }

 private:
  int64_t Elapsed() const { return SystemClock().Steady() - started_; }

  Watched Stop(Outcome outcome) {
    watched_.outcome = outcome;
    watched_.run.set_id(id_);
    return watched_;
  }

  bool Take(const v1::RunEvent& event) {
    after_ = std::max(after_, event.sequence());
    if (event.has_run()) {
      watched_.run = event.run();
      done_ = true;
      return false;
    }
    Show(event);
    if (!until_compiled_ || event.node_id() != "compile" || event.state() != "SUCCEEDED") {
      return true;
    }
    // Compiled: either into a graph, which now runs by itself, or into an answer that follows.
    v1::GetRunRequest request;
    request.set_id(id_);
    const auto run = client_.GetRun(request);
    if (!run.ok() || run->nodes_size() < 2) return true;
    watched_.run = *run;
    watched_.outcome = run->finished_at_ms() != 0 ? Outcome::kEnded : Outcome::kCompiled;
    done_ = true;
    return false;
  }

  void Show(const v1::RunEvent& event) {
    if (event.node_id().empty()) return;
    if (event.state() == "RUNNING") node_started_[event.node_id()] = event.at_ms();
    const bool terminal = event.state() == "SUCCEEDED" || event.state() == "FAILED" ||
                          event.state() == "CANCELLED" || event.state() == "SKIPPED";
    if (terminal && (session_.io().err_is_terminal || session_.verbose())) {
      const auto begun = node_started_.find(event.node_id());
      const int64_t took = begun == node_started_.end() ? -1 : event.at_ms() - begun->second;
      session_.Note(NodeLine(event, took, Paint()));
    } else if (session_.verbose() && !event.detail().empty()) {
      session_.Note("  ...  " + event.node_id() + ": " + event.detail());
    }
  }

  Session& session_;
  Client& client_;
  const std::string id_;
  const bool until_compiled_;
  const int64_t timeout_ms_;
  const SteadyMillis started_;
  CancelSlot slot_;
  int64_t after_ = 0;
  bool done_ = false;
  Watched watched_;
  std::map<std::string, int64_t> node_started_;
  Interrupts interrupts_;  // last: its thread uses the others
};

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

/// The same token starts nothing twice, so that it is sent until there is an answer.
Result<v1::Run> SendStart(Client& client, const v1::StartRunRequest& request, const RunPlan& plan,
                          const std::string& command_token) {
  // A daemon that is not there is said at once: nothing was started.
  const bool reached = client.Reached();
  const Interrupts interrupts([] {});
  SteadyMillis lost_since = 0;
  while (true) {
    auto run = client.StartRun(request);
    const Code code = run.status().code();
    const bool lost =
        code == Code::kUnavailable || code == Code::kDeadlineExceeded || code == Code::kCancelled;
    if (!reached || !lost) return run;
    const SteadyMillis now = SystemClock().Steady();
    if (lost_since == 0) lost_since = now;
    if (now - lost_since >= plan.start_patience_ms || interrupts.WaitFor(kReconnectPauseMs)) {
      return Status(interrupts.Happened() ? Code::kCancelled : code,
                    run.status().message() + "; it is not known whether the run was started")
          .WithHint("repeat the command with --client-token " + command_token +
                    ", which starts nothing twice; `pretzel run list` shows the runs there are");
    }
  }
}

Result<v1::Run> Start(Client& client, const std::string& playground, const RunPlan& plan,
                      const std::string& command_token, int round,
                      const std::vector<SourceFile>& manifests,
                      const std::vector<SourceFile>& files) {
  v1::StartRunRequest request;
  request.set_playground(playground);
  request.set_command(plan.command);
  *request.mutable_options() = plan.options;
  // Each round is a run of its own.
  request.set_client_token(round == 0 ? command_token
                                      : command_token + "/" + std::to_string(round));
  const auto add = [](const SourceFile& from, v1::File* to) {
    to->set_path(from.path);
    to->set_content(from.content);
  };
  for (const SourceFile& file : manifests) add(file, request.add_manifests());
  for (const SourceFile& file : files) add(file, request.add_files());
  return SendStart(client, request, plan, command_token);
}

/// Adds the files that the run asked for; fails when none of them is new.
Status AddNeeded(const v1::Run& run, const std::vector<SourceFile>& manifests,
                 std::vector<SourceFile>* files) {
  bool added = false;
  for (const std::string& wanted : run.needs_files()) {
    const bool sent = std::any_of(files->begin(), files->end(),
                                  [&](const SourceFile& file) { return file.path == wanted; });
    if (sent) continue;
    DCP_ASSIGN(SourceFile file, ReadNeeded(manifests, wanted));
    files->push_back(std::move(file));
    added = true;
  }
  if (added) return {};
  return Internal("run " + run.id() + " asks again for files that were sent");
}

}  // namespace

int RunManifests(Session& session, const RunPlan& plan, const std::vector<std::string>& paths) {
  const auto playground = session.Playground();
  if (!playground.ok()) return session.Fail(playground.status());
  const auto manifests = ReadManifests(session.io(), paths);
  if (!manifests.ok()) return session.Fail(manifests.status());
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  std::vector<SourceFile> files;
  const std::string token = plan.client_token.empty() ? RandomUuid() : plan.client_token;
  NotNow not_now(session, plan.timeout_ms);
  for (int round = 0; round < kNeedsFilesRoundsMax; ++round) {
    auto run = Start(**client, *playground, plan, token, round, *manifests, files);
    while (!run.ok() && plan.wait && not_now.Wait(run.status())) {
      run = Start(**client, *playground, plan, token, round, *manifests, files);
    }
    if (!run.ok()) {
      const int code = session.Fail(run.status());
      return not_now.over() ? kExitTimedOut : code;
    }
    Watcher watcher(session, **client, run->id(), !plan.wait, not_now.Left());
    const auto watched = watcher.Watch();
    if (!watched.ok()) return session.Fail(watched.status());
    if (watched->run.needs_files().empty()) {
      std::vector<SourceFile> sources = *manifests;
      sources.insert(sources.end(), files.begin(), files.end());
      return Conclude(session, *watched, sources);
    }
    if (const Status added = AddNeeded(watched->run, *manifests, &files); !added.ok()) {
      return session.Fail(added);
    }
  }
  return session.Fail(Internal("the manifests ask for further files again and again"));
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
  Watcher watcher(session, **client, id, /*until_compiled=*/false, not_now.Left());
  const auto watched = watcher.Watch();
  if (!watched.ok()) return session.Fail(watched.status());
  return Conclude(session, *watched, {});
}

}  // namespace dcp::cli
