// SPDX-License-Identifier: Apache-2.0
//
// Group E, second half: how calls end, and how they stop.
#include <time.h>

#include <random>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/process_state.h"
#include "plugin_check/probe/subject.h"

namespace dcp::plugin_check {
namespace {

using InstanceCheck = Verdict (*)(const Subject& subject, Instance& instance);

constexpr char kMute[] = "no call is completed (see complete-always)";
/// What a person would call "at once", on a machine that is busy with other things.
constexpr int64_t kAtOnceMs = 1'000;
constexpr int64_t kCancelledMs = 2'000;

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Verdict CompleteAlways(const Subject& subject, Instance& instance) {
  for (const Answered& call : Workload(subject, instance)) {
    if (call.completed) continue;
    return Verdict::Failed("a call of " + call.method + " was taken, and not completed after " +
                           std::to_string(subject.job().patience_ms) + " ms");
  }
  return Verdict::Passed();
}

/// All plain samples of the plugin. Empty when none was completed.
std::vector<CallEnd> Completed(const Subject& subject, Instance& instance) {
  std::vector<CallEnd> ends;
  for (const SampleCall& call : subject.job().calls) {
    CallEnd end = instance.Call({call.method, call.request});
    if (end.ended) ends.push_back(std::move(end));
  }
  return ends;
}

Verdict EmitStops(const Subject& subject, Instance& instance) {
  bool any = false;
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, call.request};
    plan.refuse_events = 0;
    const CallEnd end = instance.Call(plan);
    if (end.events == 0) continue;
    any = true;
    if (!end.ended) {
      return Verdict::Failed(call.method + " did not end when emit() had answered code 8");
    }
  }
  if (!any) return Verdict::NotRun("no call emitted an event: give one that does with --call");
  return FailedIf(FaultSeen(Fault::kEmitAfterStop));
}

Verdict ProgressJson(const Subject& subject, Instance& instance) {
  size_t events = 0;
  for (const CallEnd& end : Completed(subject, instance)) events += end.events;
  if (events == 0) {
    return Verdict::NotRun("no call emitted an event: give one that does with --call");
  }
  return FailedIf(FaultSeen(Fault::kProgress));
}

/// Calls that are cancelled, or too late, from the start.
Verdict Ends(const Subject& subject, Instance& instance, bool cancelled, const char* what) {
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, call.request};
    const CallEnd plain = instance.Call(plan);
    if (!plain.ended) continue;  // complete-always says so
    plan.cancelled = cancelled;
    if (!cancelled) plan.deadline_ns = MonotonicNs() - 1'000'000'000;
    if (!instance.Call(plan).ended) return Verdict::Failed(call.method + what);
  }
  return Verdict::Passed();
}

Verdict CancelFirst(const Subject& subject, Instance& instance) {
  return Ends(subject, instance, true, " does not end when it is cancelled before it begins");
}

Verdict DeadlinePast(const Subject& subject, Instance& instance) {
  return Ends(subject, instance, false, " does not end although its deadline is over");
}

Verdict CancelDuring(const Subject& subject, Instance& instance) {
  std::mt19937_64 random(subject.job().seed);
  constexpr int kTimes = 8;
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, call.request};
    if (!instance.Call(plan).ended) continue;  // complete-always says so
    for (int i = 0; i < kTimes; ++i) {
      plan.cancel_after_us = static_cast<int64_t>(random() % 2000);
      const CallEnd end = instance.Call(plan);
      if (end.ended && end.end_ms <= kCancelledMs) continue;
      return Verdict::Failed(call.method + " went on for more than " +
                             std::to_string(end.ended ? kCancelledMs : subject.job().patience_ms) +
                             " ms after it was cancelled");
    }
  }
  return Verdict::Passed();
}

Verdict CancelLate(const Subject& subject, Instance& instance) {
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, call.request};
    plan.cancel_late = true;
    plan.said = " (to be cancelled when it has ended)";
    (void)instance.Call(plan);
    if (!instance.Call({call.method, call.request}).ended && !instance.has_open_calls()) {
      return Verdict::Failed(call.method + " is not answered after a late cancel()");
    }
  }
  return Verdict::Passed();
}

Verdict CancelReturns(const Subject& subject, Instance& instance) {
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, call.request};
    plan.cancel_after_us = 0;
    const CallEnd end = instance.Call(plan);
    if (end.cancel_ms <= kAtOnceMs) continue;
    return Verdict::Failed("cancel() of " + call.method + " took " + std::to_string(end.cancel_ms) +
                           " ms");
  }
  return Verdict::Passed();
}

Verdict CallLevel(const Subject& subject, Instance& instance) {
  constexpr int kWarmUps = 20;
  constexpr size_t kTimes = 60;
  constexpr size_t kNoiseBytes = 100;  // a call; caches of threads fill, lists grow in steps
  const auto once = [&] {
    for (const SampleCall& call : subject.job().calls) {
      if (!instance.IsSlow(call.method)) (void)instance.Call({call.method, call.request});
    }
    instance.ForgetCalls();
  };
  for (int i = 0; i < kWarmUps; ++i) once();
  if (instance.has_open_calls()) return Verdict::NotRun(kMute);
  const ProcessState before = ProcessState::Take();
  if (const size_t left = LeftBehind(kTimes, kNoiseBytes * subject.job().calls.size(), once)) {
    return Verdict::Failed("a call leaves " + std::to_string(left / subject.job().calls.size()) +
                           " bytes behind, on average");
  }
  return FailedIf(Settled(before, &ProcessState::NewFiles));
}

Verdict CallOutput(const Subject& subject, Instance& instance) {
  const ProcessState before = ProcessState::Take();
  (void)Workload(subject, instance);
  return FailedIf(ProcessState::Take().Printed(before));
}

/// Twice the same, so that the reader sees which answers are the same each time.
Verdict SteadyTwice(const Subject& subject, Instance& instance) {
  Verdict verdict;
  for (int i = 0; i < 2; ++i) {
    const std::vector<Answered> answers = Steady(subject, instance);
    verdict.transcript.insert(verdict.transcript.end(), answers.begin(), answers.end());
  }
  return verdict;
}

Verdict Transcript(const Subject& subject, Instance& instance) {
  Verdict verdict;
  verdict.transcript = Workload(subject, instance);
  return verdict;
}

}  // namespace

void AddCallChecks(ProbeChecks& checks) {
  const auto add = [&checks](const char* name, InstanceCheck check) {
    checks[name] = [check](const Job& job) {
      const auto subject = Subject::Load(job);
      if (!subject.ok()) return Verdict::Failed(subject.status().message());
      const auto life = Begin(**subject);
      if (!life.ok()) return Verdict::Failed(life.status().message());
      Verdict verdict = check(**subject, *(*life)->instance);
      (void)End(**life);
      return verdict;
    };
  };
  add("complete-always", CompleteAlways);
  add("emit-stops", EmitStops);
  add("progress-json", ProgressJson);
  add("cancel-first", CancelFirst);
  add("cancel-during", CancelDuring);
  add("cancel-late", CancelLate);
  add("cancel-returns", CancelReturns);
  add("deadline-past", DeadlinePast);
  add("call-level", CallLevel);
  add("call-output", CallOutput);
  // Judged by the checker, which knows the contract and this program does not.
  for (const char* name : {"response-valid", "error-decodes"}) add(name, Transcript);
  add(kSteadyTwice, SteadyTwice);
}

}  // namespace dcp::plugin_check
