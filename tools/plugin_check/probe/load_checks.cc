// SPDX-License-Identifier: Apache-2.0
//
// Group B: what happens when the file is loaded.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/process_state.h"
#include "plugin_check/probe/record.h"
#include "plugin_check/probe/subject.h"

namespace dcp::plugin_check {
namespace {

namespace fs = std::filesystem;

using Difference = std::string (ProcessState::*)(const ProcessState&) const;

Verdict LoadNow(const Job& job) {
  const auto subject = Subject::Load(job);
  return FailedIf(subject.ok() ? "" : subject.status().message());
}

/// Loads the file and asks for the table, and looks at what differs then.
Verdict LoadChanges(const Job& job, const std::vector<Difference>& differences) {
  const ProcessState before = ProcessState::Take();
  const auto subject = Subject::Load(job);
  if (!subject.ok()) return Verdict::Failed(subject.status().message());
  const ProcessState after = ProcessState::Take();
  std::string words;
  for (const Difference& difference : differences) {
    const std::string found = (after.*difference)(before);
    if (!found.empty()) words += (words.empty() ? "" : "; ") + found;
  }
  return FailedIf(words);
}

/// A copy of the plugin beside the first: another file, and so another library.
class Copy {
 public:
  explicit Copy(const std::string& path)
      : path_((fs::temp_directory_path() / ("plugin_check_" + std::to_string(getpid()) + ".so"))
                  .string()) {
    std::error_code error;
    fs::copy_file(path, path_, fs::copy_options::overwrite_existing, error);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

Verdict LoadTwice(const Job& job) {
  const Copy copy(job.plugin);
  Job other = job;
  other.plugin = copy.path();
  const auto first = Subject::Load(job);
  const auto second = Subject::Load(other);
  if (!first.ok()) return Verdict::Failed("the first: " + first.status().message());
  if (!second.ok()) return Verdict::Failed("the second: " + second.status().message());
  if ((*first)->table() == (*second)->table()) {
    return Verdict::Failed("both files answer the same table");
  }
  for (const Subject* subject : {first->get(), second->get()}) {
    CheckingHost host;
    dcp_instance* made = nullptr;
    // Not whether it can be made here, but whether it makes a difference to be the second.
    const dcp_code code = subject->Create(host, job.config, &made);
    if (code != DCP_OK && subject == first->get()) return Verdict::Passed();
    if (code != DCP_OK) {
      return Verdict::Failed("the second file's create() answered code " + std::to_string(code) +
                             ": " + host.reason());
    }
    if (subject != second->get() || made == nullptr) continue;
    subject->Drain(made);
    subject->Destroy(host, made);
  }
  return Verdict::Passed();
}

Verdict EntryPure(const Job& job) {
  const auto entry = LoadEntry(job.plugin);
  if (!entry.ok()) return Verdict::Failed(entry.status().message());
  constexpr size_t kThreads = 4;
  constexpr int kTimes = 100;
  Record::Say("in " DCP_ENTRY_SYMBOL "() on several threads");
  const dcp_plugin_api* const first = entry->call();
  std::vector<int> others(kThreads, 0);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kTimes; ++n) others[i] += entry->call() == first ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  int all = 0;
  for (const int n : others) all += n;
  return FailedIf(all == 0 ? "" : std::to_string(all) + " of 400 answers were another table");
}

}  // namespace

void AddLoadChecks(ProbeChecks& checks) {
  checks["load-now"] = LoadNow;
  checks["load-threads"] = [](const Job& job) {
    return LoadChanges(job, {&ProcessState::NewThreads, &ProcessState::NewChildren});
  };
  checks["load-files"] = [](const Job& job) { return LoadChanges(job, {&ProcessState::NewFiles}); };
  checks["load-process"] = [](const Job& job) {
    return LoadChanges(job, {&ProcessState::Changed});
  };
  checks["load-output"] = [](const Job& job) { return LoadChanges(job, {&ProcessState::Printed}); };
  checks["load-twice"] = LoadTwice;
  checks["entry-pure"] = EntryPure;
}

}  // namespace dcp::plugin_check
