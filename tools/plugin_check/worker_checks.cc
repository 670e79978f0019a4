// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/worker_checks.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <thread>

#include "base/clock.h"
#include "host/worker_process.h"
#include "os/process.h"
#include "plugin_check/child.h"
#include "plugin_check/probe/record.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

using host::WorkerProcess;
using WorkerCheck = Verdict (*)(const Job& job, const std::string& own_program);

constexpr int64_t kStartMs = 20'000;
constexpr auto kPause = std::chrono::milliseconds(5);
/// For the worker and what the plugin started to be gone after their host.
constexpr int64_t kGoneMs = 1'000;

/// A worker that serves. Made on the main thread: it dies with the thread that made it.
Result<std::shared_ptr<WorkerProcess>> StartWorker(const Job& job) {
  Record::Say("while the worker started");
  host::HomeOptions options;
  options.program = job.worker;
  options.plugin_path = job.plugin;
  options.plugin = job.id;
  options.instance = "check";
  options.config_json = Secret(job.config);
  options.sandboxed = false;  // a fault is to be seen, not prevented
  options.start_timeout_ms = kStartMs;
  options.ping_timeout_ms = kStartMs;
  options.cancel_grace_ms = job.patience_ms;
  options.hang_grace_ms = kStartMs;
  DCP_ASSIGN(std::shared_ptr<WorkerProcess> worker, WorkerProcess::Spawn(options, [] {}));
  while (worker->phase() == host::PluginHome::Phase::kStarting) std::this_thread::sleep_for(kPause);
  if (worker->phase() == host::PluginHome::Phase::kReady) return worker;
  bool permanent = false;
  return worker->ending(permanent);
}

/// One call. A call that is not completed in time has no end, as in the probe.
Answered CallWorker(WorkerProcess& worker, const Job& job, const SampleCall& call) {
  Record::Say("in a call of " + Printable(call.method) + " through the worker");
  host::CallOptions options;
  options.deadline = SystemClock().Steady() + job.patience_ms;
  options.on_data = [](const std::string&) {};  // as the probe's host, it takes all there is
  bool sent = false;
  const Result<host::Reply> reply = worker.Call(call.method, call.request, options, sent);
  Answered answered{call.capability, call.method, true, reply.ok(), false, 0, ""};
  if (!reply.ok()) {
    answered.code = static_cast<int32_t>(reply.status().code());
    answered.body = reply.status().message();
    return answered;
  }
  answered.code = static_cast<int32_t>(reply->code);
  answered.taken = reply->from_plugin;
  if (reply->from_plugin) answered.body = reply->body;
  return answered;
}

/// "" when every sample came back; calls that the plugin leaves open are another check's.
std::string Serve(WorkerProcess& worker, const Job& job) {
  for (const SampleCall& call : job.calls) {
    const Answered answered = CallWorker(worker, job, call);
    const bool died = worker.phase() == host::PluginHome::Phase::kEnded;
    if (died) return call.method + " was answered: " + answered.body;
  }
  return "";
}

Verdict WorkerServes(const Job& job, const std::string&) {
  const auto worker = StartWorker(job);
  if (!worker.ok()) return Verdict::Failed(worker.status().message());
  const std::string trouble = Serve(**worker, job);
  (*worker)->Stop();
  return trouble.empty() ? Verdict::Passed() : Verdict::Failed(trouble);
}

Verdict WorkerSame(const Job& job, const std::string&) {
  Job other = job;
  other.checks = {kSteadyTwice};
  const Verdict here = RunChild({job.probe}, other, kStartMs);
  if (here.kind != Verdict::Kind::kPassed) {
    return Verdict::Failed("outside the worker: " + here.happened);
  }
  const auto worker = StartWorker(job);
  if (!worker.ok()) return Verdict::Failed(worker.status().message());
  const std::vector<SampleCall> calls = SteadyCalls(job);
  if (here.transcript.size() != 2 * calls.size())
    return Verdict::Failed("the probe's answers are cut short");
  for (size_t i = 0; i < calls.size(); ++i) {
    const Answered& first = here.transcript[i];
    const Answered& again = here.transcript[i + calls.size()];
    const bool steady = first.completed && again.completed && !first.asked && !again.asked &&
                        first.code == again.code;
    if (!steady) continue;  // what differs each time cannot be compared
    const Answered there = CallWorker(**worker, job, calls[i]);
    const bool same_body = first.body != again.body || first.body == there.body;
    // A number that is no code reads as UNKNOWN there.
    const bool same_code = CodeFromInt(there.code) == CodeFromInt(first.code);
    if (same_code && same_body) continue;
    return Verdict::Failed(calls[i].method + " answered code " + std::to_string(first.code) +
                           " \"" + Printable(first.body.substr(0, 100)) + "\", and in the worker " +
                           std::to_string(there.code) + " \"" +
                           Printable(there.body.substr(0, 100)) + "\"");
  }
  (*worker)->Stop();
  return Verdict::Passed();
}

Verdict WorkerStops(const Job& job, const std::string&) {
  const auto worker = StartWorker(job);
  if (!worker.ok()) return Verdict::Failed(worker.status().message());
  for (const SampleCall& call : job.calls) {
    if (!CallWorker(**worker, job, call).completed) {
      return Verdict::NotRun("a call was not completed (see complete-always): it cannot stop");
    }
  }
  Record::Say("while the worker stopped");
  const int64_t begun = SystemClock().Steady();
  (*worker)->Stop();
  const int64_t took = SystemClock().Steady() - begun;
  if (took < host::kStopGraceMs) return Verdict::Passed();
  return Verdict::Failed("destroy() had not returned after " + std::to_string(host::kStopGraceMs) +
                         " ms, and the worker was killed");
}

Verdict WorkerCrash(const Job& job, const std::string&) {
  const auto first = StartWorker(job);
  if (!first.ok()) return Verdict::Failed(first.status().message());
  (void)Serve(**first, job);
  (void)(*first)->Kill("the check kills it");
  while ((*first)->phase() != host::PluginHome::Phase::kEnded) std::this_thread::sleep_for(kPause);
  const auto second = StartWorker(job);
  if (!second.ok()) return Verdict::Failed("the next worker: " + second.status().message());
  const std::string trouble = Serve(**second, job);
  (*second)->Stop();
  return trouble.empty() ? Verdict::Passed() : Verdict::Failed("the next worker: " + trouble);
}

/// Never returns: its parent kills it while the worker lives.
Verdict WorkerHold(const Job& job, const std::string&) {
  const auto worker = StartWorker(job);
  if (!worker.ok()) return Verdict::Failed(worker.status().message());
  (void)Serve(**worker, job);
  (void)WriteAll(kVerdictFd, EncodeVerdict(Verdict::Passed()));
  for (;;) pause();
}

/// Reaps children that have ended; "" when there is none left, else the names of those that live.
std::string Living() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  std::ifstream list("/proc/self/task/" + std::to_string(getpid()) + "/children");
  std::string names;
  for (pid_t pid = 0; list >> pid;) {
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(comm, name);
    names += (names.empty() ? "" : ", ") + name + " (pid " + std::to_string(pid) + ")";
  }
  return names;
}

void KillLiving() {
  std::ifstream list("/proc/self/task/" + std::to_string(getpid()) + "/children");
  for (pid_t pid = 0; list >> pid;) kill(pid, SIGKILL);
}

Verdict WorkerOrphans(const Job& job, const std::string& own_program) {
  // What a dead host leaves behind becomes our child, and is seen.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return Verdict::NotRun(FromErrno(errno, "cannot adopt orphans").message());
  }
  Job hold = job;
  hold.checks = {kWorkerHold};
  const Verdict held = RunUntilVerdict({own_program, kIsolatedArgument}, hold, kStartMs);
  if (held.kind != Verdict::Kind::kPassed) return Verdict::Failed(held.happened);
  Record::Say("after its host was killed");
  const int64_t until = SystemClock().Steady() + kGoneMs;
  std::string living = Living();
  while (!living.empty() && SystemClock().Steady() < until) {
    std::this_thread::sleep_for(kPause);
    living = Living();
  }
  KillLiving();
  return living.empty()
             ? Verdict::Passed()
             : Verdict::Failed("a second after its host was killed there are: " + living);
}

}  // namespace

int RunIsolated(const std::string& own_program) {
  const Result<Job> job = DecodeJob(ReadAll(kJobFd));
  if (!job.ok() || job->checks.empty()) return 2;
  close(kJobFd);
  Record::Open(kRecordFd);
  close(kRecordFd);
  static const std::map<std::string, WorkerCheck> checks = {
      {"worker-serves", WorkerServes},   {"worker-same", WorkerSame},
      {"worker-stops", WorkerStops},     {"worker-crash", WorkerCrash},
      {"worker-orphans", WorkerOrphans}, {kWorkerHold, WorkerHold},
  };
  const auto found = checks.find(job->checks.front());
  const Verdict verdict = found == checks.end() ? Verdict::Failed("this program has no such check")
                                                : found->second(*job, own_program);
  return WriteAll(kVerdictFd, EncodeVerdict(verdict)).ok() ? 0 : 3;
}

}  // namespace dcp::plugin_check
