// SPDX-License-Identifier: Apache-2.0
//
// What the soaks in C++ share: their one argument, what this process holds, and callers without
// end.
#pragma once

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "host/host.h"

namespace dcp::soak {

using Json = nlohmann::json;

constexpr int kCallers = 8;
constexpr int64_t kPatienceMs = 30'000;
constexpr std::chrono::milliseconds kSettle{500};
/// What the heap may grow by between two looks, however many rounds lie between them.
constexpr size_t kGrowthBytesMax = size_t{16} << 20;

/// `FLAG N` or nothing; an exit with the usage for anything else.
inline int64_t CountFrom(int argc, char** argv, const char* flag, int64_t count) {
  const bool given = argc == 3 && std::strcmp(argv[1], flag) == 0;
  if (argc == 1) return count;
  if (given) {
    const char* end = argv[2] + std::strlen(argv[2]);
    const auto parsed = std::from_chars(argv[2], end, count);
    if (parsed.ec == std::errc() && parsed.ptr == end && count > 0) return count;
  }
  const bool help = argc == 2 && std::strcmp(argv[1], "--help") == 0;
  std::fprintf(help ? stdout : stderr, "usage: %s [%s N]  (%lld)\n",
               std::filesystem::path(argv[0]).filename().c_str(), flag,
               static_cast<long long>(count));
  _exit(help ? 0 : 2);
}

inline size_t Entries(const char* folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    count += entry.exists() ? 1 : 0;
  }
  return count;
}

/// Processes of this one, dead ones that nobody has reaped included.
inline size_t Children() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    if (!std::getline(stat, text)) continue;
    // "pid (name) state parent": the name may hold anything, also ')'.
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > text.size()) continue;
    if (std::strtol(text.c_str() + name_end + 4, nullptr, 10) == getpid()) ++count;
  }
  return count;
}

/// Waits until it holds; false after a time in which it must have.
inline bool Until(const std::function<bool()>& condition) {
  const SteadyMillis end = SystemClock().Steady() + kPatienceMs;
  while (!condition()) {
    if (SystemClock().Steady() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// What this process holds.
struct Holdings {
  size_t files = 0;
  size_t processes = 0;
  size_t resident_bytes = 0;

  /// Once what is on its way out is gone: `processes` are to be left.
  static Holdings Take(size_t processes) {
    Until([&] { return Children() == processes; });
    std::this_thread::sleep_for(kSettle);  // its descriptors go a moment after the process
    Holdings now;
    now.processes = Children();
    now.files = Entries("/proc/self/fd");
    std::ifstream file("/proc/self/statm");
    size_t pages = 0;
    file >> pages >> pages;
    now.resident_bytes = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return now;
  }
  Json ToJson() const {
    return {{"files", files}, {"processes", processes}, {"residentKib", resident_bytes / 1024}};
  }
};

/// Reasons why a soak has failed; the first few are kept.
class Failures {
 public:
  void Add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++count_;
    if (first_.size() < kKept) first_.push_back(what);
  }
  void Check(bool good, const std::string& what) {
    if (!good) Add(what);
  }
  void CheckFlat(const Holdings& before, const Holdings& after) {
    Check(after.files == before.files, "the number of open files has changed");
    Check(after.processes == before.processes, "the number of processes has changed");
    Check(after.resident_bytes < before.resident_bytes + kGrowthBytesMax,
          "the resident memory has grown by more than 16 MiB");
  }
  size_t count() const { return count_; }
  /// Prints the verdict as the last line; the exit code.
  int Verdict(Json line) {
    line["failures"] = count();
    line["first"] = first_;
    line["kept"] = count() == 0;
    std::printf("%s\n", line.dump().c_str());
    return count() == 0 ? 0 : 1;
  }

 private:
  static constexpr size_t kKept = 5;
  std::mutex mutex_;
  std::atomic<size_t> count_{0};
  std::vector<std::string> first_;
};

/// Calls without a pause on kCallers threads, until Stop().
class Load {
 public:
  explicit Load(std::function<void()> call) {
    for (int i = 0; i < kCallers; ++i) {
      threads_.emplace_back([this, call] {
        for (; !stop_; ++calls_) call();
      });
    }
  }
  ~Load() { Stop(); }
  void Stop() {
    stop_ = true;
    threads_.clear();
  }
  int64_t calls() const { return calls_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> calls_{0};
  std::vector<std::jthread> threads_;
};

/// A host with the one instance "it".
inline host::Settings SettingsOf(const std::string& plugin, const std::string& directory) {
  host::Settings settings;
  settings.worker_program = SOAK_WORKER;
  settings.directories = {directory};
  settings.instances.resize(1);
  settings.instances[0].id = "it";
  settings.instances[0].plugin = plugin;
  settings.instances[0].config_json = Secret("{}");
  for (const char* capability : {"resource", "test_backend"}) {
    settings.routes[capability].named[""] = "it";
  }
  return settings;
}

}  // namespace dcp::soak
