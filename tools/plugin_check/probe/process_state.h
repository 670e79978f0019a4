// SPDX-License-Identifier: Apache-2.0
//
// What a process has one of, and what it holds: taken before and after, and compared.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dcp::plugin_check {

class ProcessState {
 public:
  /// Of this process, and of this thread where a thread has one of its own.
  static ProcessState Take();

  // Each answers "" when nothing differs, else the difference in words. [any]
  std::string NewThreads(const ProcessState& before) const;
  std::string NewChildren(const ProcessState& before) const;
  std::string NewFiles(const ProcessState& before) const;
  std::string LostFiles(const ProcessState& before) const;
  /// Folder, umask, locale, environment, signal handlers and mask.
  std::string Changed(const ProcessState& before) const;
  /// Bytes that were printed to stdout and stderr, where those are files.
  std::string Printed(const ProcessState& before) const;

 private:
  std::set<pid_t> threads_;
  std::set<pid_t> children_;
  std::map<int, std::string> files_;
  std::string folder_;
  std::string umask_;
  std::string locale_;
  std::vector<std::string> environment_;
  std::vector<struct sigaction> handlers_;
  sigset_t mask_{};
  off_t printed_ = 0;
};

/// Takes the state until `differs` answers "" or a moment has passed: a thread that was joined
/// leaves the kernel's list a little later. The last words. blocks
std::string Settled(const ProcessState& before,
                    std::string (ProcessState::*differs)(const ProcessState&) const);

/// Bytes that are allocated in this process.
size_t AllocatedBytes();

/// Bytes that each of `times` once() leaves allocated, on average; 0 when they are `noise` or less.
/// A leak shows in every series. Caches of threads and buffers of libraries, which a busy machine
/// fills late, do not: so the first level series of three decides.
template <typename Once>
size_t LeftBehind(size_t times, size_t noise, const Once& once) {
  constexpr int kSeries = 3;
  size_t left = 0;
  for (int series = 0; series < kSeries; ++series) {
    const size_t before = AllocatedBytes();
    for (size_t i = 0; i < times; ++i) once();
    const size_t after = AllocatedBytes();
    if (after <= before + noise * times) return 0;
    left = (after - before) / times;
  }
  return left;
}

}  // namespace dcp::plugin_check
