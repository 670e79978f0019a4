// SPDX-License-Identifier: Apache-2.0
//
// dcp-plugin-probe: loads one plugin and does one check, for dcp-plugin-check, which starts it. A
// program of its own since it must link nothing that a plugin may bring: with protobuf in it, a
// plugin with its own copy of the contract would end the process while it is loaded.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "plugin_check/probe/job.h"
#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/record.h"

namespace dcp::plugin_check {
namespace {

/// Where the verdict's descriptor moves: out of the way of plugins that close what they find.
constexpr int kVerdictPlace = 900;
/// Descriptors that are open for a plugin to leave alone.
constexpr int kCanaries = 4;

ProbeChecks AllProbeChecks() {
  ProbeChecks checks;
  AddLoadChecks(checks);
  AddTableChecks(checks);
  AddConfigChecks(checks);
  AddLifeChecks(checks);
  AddRequestChecks(checks);
  AddCallChecks(checks);
  AddHostChecks(checks);
  return checks;
}

Verdict Run(const ProbeChecks& checks, const std::string& name, const Job& job) {
  const auto found = checks.find(name);
  if (found == checks.end()) return Verdict::Failed("this probe has no check " + name);
  try {
    return found->second(job);
  } catch (const std::exception& e) {
    return Verdict::Failed(std::string("the check itself failed: ") + e.what());
  }
}

/// One after the other in this very process, for a debugger; what each found is printed.
int RunForDebugger(const ProbeChecks& checks, const Job& job) {
  int failed = 0;
  for (const std::string& name : job.checks) {
    std::printf("%s\n", name.c_str());
    const Verdict verdict = Run(checks, name, job);
    const bool passed = verdict.kind == Verdict::Kind::kPassed;
    failed += verdict.kind == Verdict::Kind::kFailed ? 1 : 0;
    std::printf("  %s%s%s\n",
                passed                                   ? "passed"
                : verdict.kind == Verdict::Kind::kFailed ? "FAILED"
                                                         : "not run",
                verdict.happened.empty() ? "" : ": ", verdict.happened.c_str());
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}

int Main(int argc) {
  struct stat info {};
  if (argc != 1 || fstat(kJobFd, &info) != 0 || !S_ISREG(info.st_mode)) {
    std::fputs(
        "dcp-plugin-probe does one check for dcp-plugin-check, which starts it; it is of no use by "
        "hand\n",
        stderr);
    return 2;
  }
  const Result<Job> job = DecodeJob(ReadAll(kJobFd));
  if (!job.ok() || job->checks.empty()) {
    std::fprintf(stderr, "dcp-plugin-probe: %s\n", job.status().message().c_str());
    return 2;
  }
  close(kJobFd);
  std::signal(SIGPIPE, SIG_IGN);
  const ProbeChecks checks = AllProbeChecks();
  if (fcntl(kVerdictFd, F_GETFD) < 0) return RunForDebugger(checks, *job);

  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const int verdict_fd = fcntl(kVerdictFd, F_DUPFD_CLOEXEC, kVerdictPlace);
  if (verdict_fd < 0) return 3;
  close(kVerdictFd);
  Record::Open(kRecordFd);
  close(kRecordFd);
  for (int i = 0; i < kCanaries; ++i) (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
  const std::string& name = job->checks.front();
  const Verdict verdict = Run(checks, name, *job);
  if (!WriteAll(verdict_fd, EncodeVerdict(verdict)).ok()) return 3;
  std::fflush(nullptr);
  // By name: only this one looks at what happens then, and a plugin's threads may still run.
  if (name != "exit-clean") _exit(0);
  std::exit(0);
}

}  // namespace
}  // namespace dcp::plugin_check

int main(int argc, char**) { return dcp::plugin_check::Main(argc); }
