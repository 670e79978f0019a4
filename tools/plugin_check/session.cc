// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/session.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <regex>
#include <thread>

#include "base/clock.h"
#include "plugin_check/child.h"
#include "plugin_check/worker_checks.h"

namespace dcp::plugin_check {
namespace {

/// Of a check's time, for one call of a plugin that does not complete it.
constexpr int64_t kPatiencePart = 6;
constexpr int64_t kPatienceMaxMs = 5'000;

Result<std::regex> Compile(const std::string& text, const char* option) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& e) {
    return InvalidArgument(std::string(option) + " \"" + text +
                           "\" is no regular expression: " + e.what());
  }
}

Result<std::vector<const Check*>> Choose(const SessionOptions& options) {
  DCP_ASSIGN(const std::regex include, Compile(options.include, "--include"));
  DCP_ASSIGN(const std::regex exclude, Compile(options.exclude, "--exclude"));
  std::vector<const Check*> chosen;
  for (const Check& check : AllChecks()) {
    const std::string name(check.name);
    if (check.level > options.level) continue;
    if (!options.include.empty() && !std::regex_search(name, include)) continue;
    if (!options.exclude.empty() && std::regex_search(name, exclude)) continue;
    chosen.push_back(&check);
  }
  if (chosen.empty()) {
    return InvalidArgument("no check is left: see --include, --exclude and --level")
        .WithHint("dcp-plugin-check --list shows the names");
  }
  return chosen;
}

/// Results under way, between the threads that find them and the one that shows them.
class Board {
 public:
  explicit Board(std::vector<const Check*> chosen)
      : chosen_(std::move(chosen)), results_(chosen_.size()), taken_(chosen_.size(), false) {}

  /// Takes the next check whose needs are known; nullopt when none is left. blocks
  std::optional<size_t> Take() {
    std::unique_lock lock(mutex_);
    for (;;) {
      bool waiting = false;
      for (size_t i = 0; i < chosen_.size(); ++i) {
        if (taken_[i]) continue;
        if (!Known(*chosen_[i])) {
          waiting = true;
          continue;
        }
        taken_[i] = true;
        return i;
      }
      if (!waiting) return std::nullopt;
      changed_.wait(lock);
    }
  }
  /// Why a check that was taken means nothing; "" when it does.
  std::string Blocked(size_t index) {
    const std::lock_guard lock(mutex_);
    for (const std::string& need : Needs(*chosen_[index])) {
      const auto& result = ResultOf(need);
      if (!result) continue;  // it was not chosen
      if (result->outcome == Outcome::kFailed) return "it needs " + need + ", which failed";
      if (result->outcome == Outcome::kNotRun) return "it needs " + need + ", which was not run";
    }
    return "";
  }
  void Put(size_t index, CheckResult result) {
    const std::lock_guard lock(mutex_);
    results_[index] = std::move(result);
    changed_.notify_all();
  }
  /// blocks
  CheckResult Get(size_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return results_[index].has_value(); });
    return *results_[index];
  }

 private:
  bool Known(const Check& check) const {
    const std::vector<std::string> needs = Needs(check);
    return std::all_of(needs.begin(), needs.end(), [this](const std::string& need) {
      const auto at = std::find_if(chosen_.begin(), chosen_.end(),
                                   [&](const Check* other) { return other->name == need; });
      return at == chosen_.end() || results_[static_cast<size_t>(at - chosen_.begin())].has_value();
    });
  }
  const std::optional<CheckResult>& ResultOf(const std::string& name) const {
    static const std::optional<CheckResult> kNone;
    for (size_t i = 0; i < chosen_.size(); ++i) {
      if (chosen_[i]->name == name) return results_[i];
    }
    return kNone;
  }

  const std::vector<const Check*> chosen_;
  std::vector<std::optional<CheckResult>> results_;
  std::vector<bool> taken_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

Result<Session> Session::Open(SessionOptions options) {
  Session session(std::move(options));
  DCP_ASSIGN(session.chosen_, Choose(session.options_));
  session.facts_ = ReadFacts(session.options_.plugin);
  const SessionOptions& own = session.options_;
  Job& job = session.job_;
  job.plugin = own.plugin;
  job.config = own.config;
  job.seed = own.seed;
  job.patience_ms = std::min(own.timeout_ms / kPatiencePart, kPatienceMaxMs);
  job.worker = own.worker_program;
  job.probe = own.probe_program;
  job.examples = session.facts_.schema_examples;
  if (session.facts_.elf.ok()) job.manifest = session.facts_.elf->manifest;
  if (session.facts_.manifest.ok()) {
    job.id = session.facts_.manifest->id;
    job.protobuf = session.facts_.manifest->encoding == host::Encoding::kProtobuf;
    DCP_ASSIGN(job.calls, MakeCalls(*session.facts_.manifest, own.calls));
  }
  return session;
}

Verdict Session::Judge(const Check& check) const {
  if (check.place == Place::kFile) return RunFileCheck(check, facts_, options_.glibc);
  if (!facts_.manifest.ok()) return Verdict::NotRun("the file is no plugin: see group A");
  Job job = job_;
  job.checks = {std::string(check.name)};
  if (check.place == Place::kWorker) {
    return RunChild({options_.own_program, kIsolatedArgument}, job, options_.timeout_ms);
  }
  Verdict verdict = RunChild({options_.probe_program}, job, options_.timeout_ms);
  if (check.place != Place::kJudged || verdict.kind != Verdict::Kind::kPassed) return verdict;
  const host::Encoding encoding = facts_.manifest->encoding;
  return check.name == "response-valid" ? JudgeResponses(verdict.transcript, encoding)
                                        : JudgeErrors(verdict.transcript, encoding);
}

CheckResult Session::RunOne(const Check& check) const {
  CheckResult result;
  result.check = &check;
  const bool managed =
      facts_.manifest.ok() && facts_.manifest->language_runtime == host::LanguageRuntime::kManaged;
  if (managed && check.managed_waived) {
    result.outcome = Outcome::kWaived;
    result.happened = "the manifest says \"language_runtime\": \"managed\"";
    return result;
  }
  const int64_t begun = SystemClock().Steady();
  Verdict verdict = Judge(check);
  result.millis = SystemClock().Steady() - begun;
  result.happened = std::move(verdict.happened);
  result.outcome = verdict.kind == Verdict::Kind::kPassed   ? Outcome::kPassed
                   : verdict.kind == Verdict::Kind::kFailed ? Outcome::kFailed
                                                            : Outcome::kNotRun;
  return result;
}

std::vector<CheckResult> Session::Run(const std::function<void(const CheckResult&)>& show) const {
  Board board(chosen_);
  const auto work = [&] {
    while (const std::optional<size_t> index = board.Take()) {
      CheckResult result;
      const std::string blocked = board.Blocked(*index);
      if (blocked.empty()) {
        result = RunOne(*chosen_[*index]);
      } else {
        result.check = chosen_[*index];
        result.happened = blocked;
      }
      board.Put(*index, std::move(result));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < options_.jobs; ++i) threads.emplace_back(work);
  std::vector<CheckResult> results;
  for (size_t i = 0; i < chosen_.size(); ++i) {
    results.push_back(board.Get(i));
    show(results.back());
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

Status Session::BecomeProbe() const {
  if (!facts_.manifest.ok()) return facts_.manifest.status();
  Job job = job_;
  for (const Check* check : chosen_) {
    if (check->place == Place::kProbe) job.checks.emplace_back(check->name);
  }
  if (job.checks.empty()) {
    return InvalidArgument(
        "--in-process runs checks of groups B to F, and none of them was chosen");
  }
  const int fd = memfd_create("plugin_check", 0);
  if (fd < 0) return FromErrno(errno, "memfd_create");
  DCP_TRY(WriteAll(fd, EncodeJob(job)));
  if (fd != kJobFd && dup2(fd, kJobFd) < 0) return FromErrno(errno, "dup2");
  if (fd != kJobFd) close(fd);
  close(kVerdictFd);
  execl(options_.probe_program.c_str(), options_.probe_program.c_str(), nullptr);
  return FromErrno(errno, "cannot run " + options_.probe_program);
}

}  // namespace dcp::plugin_check
