// SPDX-License-Identifier: Apache-2.0
//
// Group F, and the checks of group E that are a look at what the host noticed.
#include <algorithm>
#include <thread>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/subject.h"

namespace dcp::plugin_check {
namespace {

/// A life with every kind of configuration and call in it; then one kind of fault is looked for.
Verdict Noticed(const Job& job, Fault fault) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  CheckingHost host;
  (void)(*subject)->Validate(host, job.config);
  (void)(*subject)->Validate(host, "[]");
  dcp_instance* made = nullptr;
  if ((*subject)->Create(host, "[]", &made) == DCP_OK && made != nullptr) {
    (*subject)->Destroy(host, made);
  }
  // Two, since a pointer of one may be handed back to the other.
  const auto first = Begin(**subject);
  if (!first.ok()) return Verdict::Failed(first.status().message());
  (void)Workload(**subject, *(*first)->instance);
  if (const auto second = Begin(**subject); second.ok()) {
    (void)Workload(**subject, *(*second)->instance);
    (void)End(**second);
  }
  (void)Samples(**subject, *(*first)->instance);
  (void)End(**first);
  return FailedIf(FaultSeen(fault));
}

Verdict ParallelHonest(const Job& job) {
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  if (((*subject)->table()->flags & DCP_FLAG_PARALLEL) == 0) {
    return Verdict::NotRun(
        "the plugin does not set DCP_FLAG_PARALLEL: its host calls it one by one");
  }
  const auto life = Begin(**subject);
  if (!life.ok()) return Verdict::Failed(life.status().message());
  Instance& instance = *(*life)->instance;
  const std::vector<Answered> alone = Samples(**subject, instance);
  constexpr size_t kThreads = 8;
  constexpr int kTimes = 25;
  std::vector<std::string> trouble(kThreads);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kTimes && trouble[i].empty(); ++n) {
        for (size_t c = 0; c < alone.size(); ++c) {
          const SampleCall& call = job.calls[c];
          if (!alone[c].completed || alone[c].asked || instance.has_open_calls()) continue;
          const CallEnd now = instance.Call({call.method, call.request});
          if (now.code == alone[c].code) continue;
          trouble[i] = call.method + " answered code " + std::to_string(alone[c].code) +
                       " alone, and " + std::to_string(now.code) + " beside other calls";
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  (void)End(**life);
  const auto found = std::find_if(trouble.begin(), trouble.end(),
                                  [](const std::string& words) { return !words.empty(); });
  return FailedIf(found == trouble.end() ? "" : *found);
}

}  // namespace

Verdict FailedIf(const std::string& words) {
  return words.empty() ? Verdict::Passed() : Verdict::Failed(words);
}

void AddHostChecks(ProbeChecks& checks) {
  const struct {
    const char* name;
    Fault fault;
  } noticed[] = {
      {"complete-once", Fault::kCompleteTwice},
      {"complete-refused", Fault::kCompleteRefused},
      {"emit-late", Fault::kEmitLate},
      {"emit-kind", Fault::kEmitKind},
      {"response-size", Fault::kResponseSize},
      {"code-range", Fault::kCode},
      {"unwind-none", Fault::kUnwind},
      {"pointer-foreign", Fault::kForeign},
      {"set-error-scope", Fault::kSetErrorScope},
      {"log-level", Fault::kLogLevel},
      {"text-utf8", Fault::kText},
      {"bytes-sane", Fault::kBytes},
  };
  for (const auto& one : noticed) {
    checks[one.name] = [fault = one.fault](const Job& job) { return Noticed(job, fault); };
  }
  checks["parallel-honest"] = ParallelHonest;
}

}  // namespace dcp::plugin_check
