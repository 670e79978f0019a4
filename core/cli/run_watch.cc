// SPDX-License-Identifier: Apache-2.0
#include "cli/run_watch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/clock.h"
#include "cli/interrupts.h"
#include "cli/render/report.h"

namespace dcp::cli {
namespace {

/// A run of more nodes than that says how many of them have ended.
constexpr size_t kCountedNodesMin = 20;

class Watcher {
 public:
  Watcher(Session& session, Client& client, std::string id, bool until_compiled, int64_t timeout_ms,
          const ShowEvent& show)
      : session_(session),
        client_(client),
        id_(std::move(id)),
        until_compiled_(until_compiled),
        timeout_ms_(timeout_ms),
        show_(show),
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
    if (!event.node_id().empty()) show_(event);
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

  Session& session_;
  Client& client_;
  const std::string id_;
  const bool until_compiled_;
  const int64_t timeout_ms_;
  const ShowEvent& show_;
  const SteadyMillis started_;
  CancelSlot slot_;
  int64_t after_ = 0;
  bool done_ = false;
  Watched watched_;
  Interrupts interrupts_;  // last: its thread uses the others
};

/// What a terminal is told of the nodes.
class NodeLines {
 public:
  explicit NodeLines(Session& session) : session_(session) {}

  void Show(const v1::RunEvent& event) {
    nodes_.insert(event.node_id());
    if (event.state() == "RUNNING") node_started_[event.node_id()] = event.at_ms();
    const bool terminal = event.state() == "SUCCEEDED" || event.state() == "FAILED" ||
                          event.state() == "CANCELLED" || event.state() == "SKIPPED";
    if (terminal) ++ended_;
    if (terminal && (session_.io().err_is_terminal || session_.verbose())) {
      const auto begun = node_started_.find(event.node_id());
      const int64_t took = begun == node_started_.end() ? -1 : event.at_ms() - begun->second;
      const std::string count =
          nodes_.size() < kCountedNodesMin
              ? ""
              : "  " + std::to_string(ended_) + " of " + std::to_string(nodes_.size());
      session_.Note(count + NodeLine(event, took, Paint()));
    } else if (session_.verbose() && !event.detail().empty()) {
      session_.Note("  ...  " + event.node_id() + ": " + event.detail());
    }
  }

 private:
  Session& session_;
  size_t ended_ = 0;
  std::set<std::string> nodes_;
  std::map<std::string, int64_t> node_started_;
};

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
          .WithHint("repeat the command with --client-token " +
                    (plan.client_token.empty() ? command_token : plan.client_token) +
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

}  // namespace

NotNow::NotNow(Session& session, int64_t timeout_ms)
    : session_(session), end_(timeout_ms == 0 ? 0 : SystemClock().Steady() + timeout_ms) {}

std::optional<int64_t> NotNow::Pause(const Status& status) {
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

bool NotNow::Wait(const Status& status) {
  const auto pause = Pause(status);
  if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(*pause));
  return pause.has_value();
}

int64_t NotNow::Left() const {
  return end_ == 0 ? 0 : std::max<int64_t>(1, end_ - SystemClock().Steady());
}

ShowEvent ShowNodes(Session& session) {
  return [lines = std::make_shared<NodeLines>(session)](const v1::RunEvent& event) {
    lines->Show(event);
  };
}

Result<Watched> WatchToEnd(Session& session, Client& client, const std::string& id,
                           bool until_compiled, int64_t timeout_ms, const ShowEvent& show) {
  Watcher watcher(session, client, id, until_compiled, timeout_ms, show);
  return watcher.Watch();
}

Result<bool> AddFiles(const google::protobuf::RepeatedPtrField<std::string>& wanted,
                      const std::vector<SourceFile>& manifests, std::vector<SourceFile>* files) {
  bool added = false;
  for (const std::string& path : wanted) {
    const bool sent = std::any_of(files->begin(), files->end(),
                                  [&](const SourceFile& file) { return file.path == path; });
    if (sent) continue;
    DCP_ASSIGN(SourceFile file, ReadNeeded(manifests, path));
    files->push_back(std::move(file));
    added = true;
  }
  return added;
}

Result<Watched> RunOnce(Session& session, Client& client, const std::string& playground,
                        const RunPlan& plan, const std::string& token, NotNow& not_now,
                        const std::vector<SourceFile>& manifests, std::vector<SourceFile>* files,
                        bool patient, const ShowEvent& show) {
  for (int round = 0; round < kNeedsFilesRoundsMax; ++round) {
    auto run = Start(client, playground, plan, token, round, manifests, *files);
    while (!run.ok() && (plan.wait || patient) && not_now.Wait(run.status())) {
      run = Start(client, playground, plan, token, round, manifests, *files);
    }
    if (!run.ok()) return run.status();
    DCP_ASSIGN(Watched watched,
               WatchToEnd(session, client, run->id(), !plan.wait, not_now.Left(), show));
    if (watched.run.needs_files().empty()) return watched;
    DCP_ASSIGN(const bool added, AddFiles(watched.run.needs_files(), manifests, files));
    if (!added) {
      return Internal("run " + watched.run.id() + " asks again for files that were sent");
    }
  }
  return Internal("the manifests ask for further files again and again");
}

}  // namespace dcp::cli
