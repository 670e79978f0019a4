// SPDX-License-Identifier: Apache-2.0
//
// For tests: what a power loss could take away. The calls that make names and bytes durable are
// replaced in the program that includes this (in one of its files alone), recorded, and carried
// out.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dcp::os {

/// Whether there is a trace; looked at before anything else.
inline volatile int tracing = 0;

class DurabilityTrace {
 public:
  struct Step {
    std::string call;  ///< "sync", "rename", "mkdir"
    std::string path;  ///< of a rename: where to
    std::string from;
  };
  DurabilityTrace() { Exchange(this); }
  ~DurabilityTrace() { Exchange(nullptr); }
  DurabilityTrace(const DurabilityTrace&) = delete;
  DurabilityTrace& operator=(const DurabilityTrace&) = delete;

  size_t renames() const {
    size_t count = 0;
    for (const Step& step : steps_) count += step.call == "rename" ? 1 : 0;
    return count;
  }
  /// What is wrong with the order, one sentence each. A rename puts something into its place that
  /// others rely on: by then its own bytes, and every name before it, must be on disk.
  std::vector<std::string> Losses() const {
    std::vector<std::string> found;
    std::set<std::string> synced;
    std::set<std::string> open;  // folders that have a name which is not on disk
    const auto check = [&](const std::string& before) {
      for (const std::string& folder : open) {
        found.push_back("a name in " + folder + " may be lost " + before);
      }
    };
    for (const Step& step : steps_) {
      if (step.call == "sync") {
        synced.insert(step.path);
        open.erase(step.path);
      } else if (step.call == "mkdir") {
        open.insert(Parent(step.path));
      } else {
        if (!synced.contains(step.from)) found.push_back("bytes of " + step.path + " may be lost");
        check("when " + step.path + " is there");
        open.insert(Parent(step.path));
      }
    }
    check("at the end");
    return found;
  }

  static std::string PathOf(int fd) {
    char path[4096];
    const ssize_t size =
        ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
    return size < 0 ? "" : std::string(path, static_cast<size_t>(size));
  }
  static std::string At(int folder, const char* name) {
    return name[0] == '/' || folder == AT_FDCWD ? name : PathOf(folder) + "/" + name;
  }
  static void AddSync(int fd) { Add({"sync", PathOf(fd), ""}); }
  static void AddRename(int from_folder, const char* from, int to_folder, const char* to) {
    Add({"rename", At(to_folder, to), At(from_folder, from)});
  }
  static void AddFolder(int folder, const char* path) { Add({"mkdir", At(folder, path), ""}); }

 private:
  static void Add(Step step) {
    const std::lock_guard lock(Mutex());
    if (Current() != nullptr) Current()->steps_.push_back(std::move(step));
  }
  static std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }
  static std::mutex& Mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static DurabilityTrace*& Current() {
    static DurabilityTrace* current = nullptr;
    return current;
  }
  static void Exchange(DurabilityTrace* next) {
    const std::lock_guard lock(Mutex());
    Current() = next;
    tracing = next == nullptr ? 0 : 1;
  }

  std::vector<Step> steps_;
};

}  // namespace dcp::os

/// Sanitizers call these before they are ready themselves, so what runs while nobody traces is not
/// instrumented and calls nothing that is.
#define DCP_UNINSTRUMENTED __attribute__((no_sanitize("address", "thread", "undefined")))

extern "C" {

DCP_UNINSTRUMENTED int fsync(int fd) {
  const long result = ::syscall(SYS_fsync, fd);
  if (result == 0 && dcp::os::tracing != 0) dcp::os::DurabilityTrace::AddSync(fd);
  return static_cast<int>(result);
}
DCP_UNINSTRUMENTED int renameat(int from_folder, const char* from, int to_folder,
                                const char* to) noexcept {
  const long result = ::syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
  if (result == 0 && dcp::os::tracing != 0) {
    dcp::os::DurabilityTrace::AddRename(from_folder, from, to_folder, to);
  }
  return static_cast<int>(result);
}
DCP_UNINSTRUMENTED int rename(const char* from, const char* to) noexcept {
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}
DCP_UNINSTRUMENTED int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  const long result = ::syscall(SYS_mkdirat, folder, path, mode);
  if (result == 0 && dcp::os::tracing != 0) dcp::os::DurabilityTrace::AddFolder(folder, path);
  return static_cast<int>(result);
}
DCP_UNINSTRUMENTED int mkdir(const char* path, mode_t mode) noexcept {
  return ::mkdirat(AT_FDCWD, path, mode);
}

}  // extern "C"
