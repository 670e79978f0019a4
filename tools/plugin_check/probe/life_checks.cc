// SPDX-License-Identifier: Apache-2.0
//
// Group D, second half: an instance from create() to destroy(), and what is left then.
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/process_state.h"
#include "plugin_check/probe/record.h"
#include "plugin_check/probe/subject.h"

namespace dcp::plugin_check {
namespace {

using Difference = std::string (ProcessState::*)(const ProcessState&) const;

constexpr char kOpenCalls[] =
    "a call was never completed (see complete-always), and destroy() must not be called then";

/// A life with calls in it. Not PASSED: why there was none.
Verdict Live(const Subject& subject) {
  const auto life = Begin(subject);
  if (!life.ok()) return Verdict::Failed(life.status().message());
  (void)Workload(subject, *(*life)->instance);
  if (!End(**life)) return Verdict::NotRun(kOpenCalls);
  return Verdict::Passed();
}

/// What is left when a life is over, which comes after so many others.
Verdict Leaves(const Job& job, Difference difference, int others) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  for (int i = 0; i < others; ++i) {
    Verdict verdict = Live(**subject);
    if (verdict.kind != Verdict::Kind::kPassed) return verdict;
  }
  const ProcessState before = ProcessState::Take();
  Verdict verdict = Live(**subject);
  if (verdict.kind != Verdict::Kind::kPassed) return verdict;
  return FailedIf(Settled(before, difference));
}

Verdict InstanceProcess(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  const ProcessState before = ProcessState::Take();
  const auto life = Begin(**subject);
  if (!life.ok()) return Verdict::Failed(life.status().message());
  std::string words = ProcessState::Take().Changed(before);
  if (!words.empty()) return Verdict::Failed("after create(): " + words);
  (void)Workload(**subject, *(*life)->instance);
  words = ProcessState::Take().Changed(before);
  if (!words.empty()) return Verdict::Failed("after the calls: " + words);
  if (!End(**life)) return Verdict::NotRun(kOpenCalls);
  words = ProcessState::Take().Changed(before);
  return FailedIf(words.empty() ? "" : "after destroy(): " + words);
}

Verdict TwoInstances(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  const auto first = Begin(**subject);
  if (!first.ok()) return Verdict::Failed(first.status().message());
  const auto second = Begin(**subject);
  if (!second.ok()) return Verdict::Failed("the second: " + second.status().message());
  (void)Samples(**subject, *(*first)->instance);
  const std::vector<Answered> before = Samples(**subject, *(*second)->instance);
  if (!End(**first)) return Verdict::NotRun(kOpenCalls);
  const std::vector<Answered> after = Samples(**subject, *(*second)->instance);
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].completed != after[i].completed || before[i].code != after[i].code) {
      return Verdict::Failed(before[i].method + " of the second instance answered code " +
                             std::to_string(before[i].code) + ", and " +
                             std::to_string(after[i].code) + " once the first was destroyed");
    }
  }
  if (!End(**second)) return Verdict::NotRun(kOpenCalls);
  return Verdict::Passed();
}

/// Each sample runs while drain() comes, a few times, for the moment matters. An instance is
/// drained once, so each time is a life of its own.
Verdict DrainAnswers(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  if (!(*subject)->CanDrain()) return Verdict::Passed();  // it is optional
  std::mt19937_64 random(job.seed);
  constexpr int kTimes = 4;
  constexpr int64_t kSpreadUs = 2'000;
  for (const SampleCall& sample : job.calls) {
    for (int i = 0; i < kTimes; ++i) {
      const auto life = Begin(**subject);
      if (!life.ok()) return Verdict::Failed(life.status().message());
      Instance& instance = *(*life)->instance;
      CallEnd end;
      std::thread caller([&] { end = instance.Call({sample.method, sample.request}); });
      std::this_thread::sleep_for(
          std::chrono::microseconds(static_cast<int64_t>(random() % kSpreadUs)));
      instance.Drain();
      caller.join();
      if (!end.ended) {
        return Verdict::Failed("a call of " + sample.method +
                               " was not completed: drain() came while it ran");
      }
      if (!End(**life)) return Verdict::NotRun(kOpenCalls);
      if (end.asked) break;  // one that waits until it is cancelled would do so each time
    }
  }
  return Verdict::Passed();
}

/// The probe's main function takes this verdict and leaves by exit(), not by _exit().
Verdict ExitClean(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  const auto life = Begin(**subject);
  if (!life.ok()) return Verdict::Failed(life.status().message());
  (void)Workload(**subject, *(*life)->instance);
  if (!End(**life)) return Verdict::NotRun(kOpenCalls);
  Record::Say("in exit(): destructors of static objects, functions of atexit()");
  return Verdict::Passed();
}

Verdict PointerLate(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  constexpr int kLives = 3;  // what was kept of one is used in the next
  for (int i = 0; i < kLives; ++i) {
    Verdict verdict = Live(**subject);
    if (verdict.kind != Verdict::Kind::kPassed) return verdict;
  }
  return FailedIf(FaultSeen(Fault::kLate));
}

}  // namespace

void AddLifeChecks(ProbeChecks& checks) {
  const auto leaves = [&checks](const char* name, Difference difference, int others = 0) {
    checks[name] = [=](const Job& job) { return Leaves(job, difference, others); };
  };
  leaves("destroy-threads", &ProcessState::NewThreads);
  // The second of two lives: some libraries (gRPC 1.51 is one) open an epoll set once in a process
  // and have no way to close it. What each instance leaves open is a leak.
  leaves("destroy-files", &ProcessState::NewFiles, 1);
  leaves("destroy-children", &ProcessState::NewChildren);
  leaves("files-foreign", &ProcessState::LostFiles);
  checks["instance-process"] = InstanceProcess;
  checks["two-instances"] = TwoInstances;
  checks["drain-answers"] = DrainAnswers;
  checks["exit-clean"] = ExitClean;
  checks["pointer-late"] = PointerLate;
}

}  // namespace dcp::plugin_check
