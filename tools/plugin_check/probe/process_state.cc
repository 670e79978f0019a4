// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/probe/process_state.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

extern char** environ;

namespace dcp::plugin_check {
namespace {

namespace fs = std::filesystem;

constexpr int kSettleTries = 40;
constexpr auto kSettlePause = std::chrono::milliseconds(5);

std::set<pid_t> Threads() {
  std::set<pid_t> threads;
  std::error_code error;
  for (fs::directory_iterator at("/proc/self/task", error), end; !error && at != end;
       at.increment(error)) {
    threads.insert(std::atoi(at->path().filename().c_str()));
  }
  return threads;
}

std::set<pid_t> Children() {
  std::set<pid_t> children;
  for (const pid_t thread : Threads()) {
    std::ifstream list("/proc/self/task/" + std::to_string(thread) + "/children");
    for (pid_t pid = 0; list >> pid;) children.insert(pid);
  }
  return children;
}

std::map<int, std::string> Files() {
  std::map<int, std::string> files;
  std::error_code error;
  for (fs::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(at->path(), gone).string();
    // The descriptor that lists them.
    if (gone || target.find("/proc/") == 0) continue;
    files[std::atoi(at->path().filename().c_str())] = target;
  }
  return files;
}

std::string Umask() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Umask:", 0) == 0) return line.substr(line.find_last_of("\t ") + 1);
  }
  return "";
}

std::string SignalName(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? "signal " + std::to_string(number) : "SIG" + std::string(name);
}

void Add(std::string& all, const std::string& one) {
  if (!all.empty()) all += "; ";
  all += one;
}

std::string Differs(const char* what, const std::string& before, const std::string& after) {
  return std::string("the ") + what + " was \"" + before + "\" and is \"" + after + "\"";
}

off_t PrintedBytes() {
  std::fflush(nullptr);
  off_t bytes = 0;
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat info {};
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) bytes += info.st_size;
  }
  return bytes;
}

}  // namespace

ProcessState ProcessState::Take() {
  ProcessState state;
  state.printed_ = PrintedBytes();
  state.threads_ = Threads();
  state.children_ = Children();
  state.files_ = Files();
  std::error_code error;
  state.folder_ = fs::current_path(error).string();
  state.umask_ = Umask();
  const char* locale = std::setlocale(LC_ALL, nullptr);
  state.locale_ = locale == nullptr ? "" : locale;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    state.environment_.emplace_back(*entry);
  }
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    (void)sigaction(number, nullptr, &action);
    state.handlers_.push_back(action);
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &state.mask_);
  return state;
}

std::string ProcessState::NewThreads(const ProcessState& before) const {
  std::string words;
  for (const pid_t thread : threads_) {
    if (before.threads_.count(thread) > 0) continue;
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
    std::string name;
    std::getline(file, name);
    Add(words, "a new thread" + (name.empty() ? "" : " \"" + name + "\""));
  }
  return words;
}

std::string ProcessState::NewChildren(const ProcessState& before) const {
  std::string words;
  for (const pid_t child : children_) {
    if (before.children_.count(child) == 0) Add(words, "a child with pid " + std::to_string(child));
  }
  return words;
}

std::string ProcessState::NewFiles(const ProcessState& before) const {
  std::string words;
  for (const auto& [fd, target] : files_) {
    const auto was = before.files_.find(fd);
    if (was == before.files_.end()) {
      Add(words, "descriptor " + std::to_string(fd) + " is open (" + target + ")");
    }
  }
  return words;
}

std::string ProcessState::LostFiles(const ProcessState& before) const {
  std::string words;
  for (const auto& [fd, target] : before.files_) {
    const auto now = files_.find(fd);
    if (now == files_.end() || now->second != target) {
      Add(words, "descriptor " + std::to_string(fd) + " (" + target + ") is closed or another");
    }
  }
  return words;
}

std::string ProcessState::Changed(const ProcessState& before) const {
  std::string words;
  if (folder_ != before.folder_) Add(words, Differs("working folder", before.folder_, folder_));
  if (umask_ != before.umask_) Add(words, Differs("umask", before.umask_, umask_));
  if (locale_ != before.locale_) Add(words, Differs("locale", before.locale_, locale_));
  if (environment_ != before.environment_) Add(words, "the environment differs");
  for (size_t i = 0; i < handlers_.size(); ++i) {
    const bool same = handlers_[i].sa_handler == before.handlers_[i].sa_handler &&
                      handlers_[i].sa_flags == before.handlers_[i].sa_flags;
    if (!same) Add(words, "the handler of " + SignalName(static_cast<int>(i) + 1) + " differs");
  }
  for (int number = 1; number < NSIG; ++number) {
    if (sigismember(&mask_, number) != sigismember(&before.mask_, number)) {
      Add(words, SignalName(number) + (sigismember(&mask_, number) == 1 ? " is" : " is not") +
                     " blocked on the thread that called it");
    }
  }
  return words;
}

std::string ProcessState::Printed(const ProcessState& before) const {
  if (printed_ == before.printed_) return "";
  return std::to_string(printed_ - before.printed_) + " bytes were printed";
}

std::string Settled(const ProcessState& before,
                    std::string (ProcessState::*differs)(const ProcessState&) const) {
  std::string words;
  for (int i = 0; i < kSettleTries; ++i) {
    words = (ProcessState::Take().*differs)(before);
    if (words.empty()) return words;
    std::this_thread::sleep_for(kSettlePause);
  }
  return words;
}

size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace dcp::plugin_check
