// SPDX-License-Identifier: Apache-2.0
#include "os/control_group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <sstream>
#include <thread>
#include <utility>

#include "os/file.h"

namespace dcp::os {
namespace {

/// This process and what it starts beside its workers.
constexpr char kOwnGroup[] = "pretzel-daemon";
/// Then the daemon's process id, and a number.
constexpr char kWorkerGroup[] = "pretzel-worker-";
/// Files of /proc and of a group; the largest is mountinfo on a machine full of containers.
constexpr size_t kFileBytesMax = size_t{4} << 20;
/// A killed process leaves its group within milliseconds, unless the machine is very busy.
constexpr int kRemoveAttempts = 200;
constexpr std::chrono::milliseconds kRemovePause{5};

/// One write, as the kernel wants it; no file is made.
Status Write(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  return written < 0 ? FromErrno(error, path) : Status();
}

bool HasWord(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  for (std::string each; words >> each;) {
    if (each == word) return true;
  }
  return false;
}

/// systemd marks what it hands over; for anybody but root, being allowed to write says it.
bool Delegated(const std::string& folder) {
  if (::access((folder + "/cgroup.subtree_control").c_str(), W_OK) != 0 ||
      ::access((folder + "/cgroup.procs").c_str(), W_OK) != 0) {
    return false;
  }
  if (::geteuid() != 0) return true;
  for (const char* mark : {"trusted.delegate", "user.delegate"}) {
    char value = 0;
    if (::getxattr(folder.c_str(), mark, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

void RemoveGroup(const std::string& folder) {
  (void)Write(folder + "/cgroup.kill", "1");
  for (int i = 0; i < kRemoveAttempts; ++i) {
    if (::rmdir(folder.c_str()) == 0 || errno != EBUSY) return;
    std::this_thread::sleep_for(kRemovePause);
  }
}

/// Of daemons that are gone: a number that lives on may be somebody else's, and is left alone.
void SweepGroups(const std::string& folder) {
  const auto names = ListDirectory(folder);
  if (!names.ok()) return;
  const std::string prefix = kWorkerGroup;
  for (const std::string& name : *names) {
    if (name.rfind(prefix, 0) != 0) continue;
    pid_t pid = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + prefix.size(), end, pid);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '-' || pid <= 0) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) RemoveGroup(folder + "/" + name);
  }
}

Status HandOn(const std::string& folder) {
  const std::string own = folder + "/" + kOwnGroup;
  if (::mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) return FromErrno(errno, own);
  const std::string pid = std::to_string(::getpid());
  DCP_TRY(Write(own + "/cgroup.procs", pid));
  const Status handed = Write(folder + "/cgroup.subtree_control", "+memory +pids");
  if (handed.ok()) return {};
  // Somebody else is in the group: as it was.
  (void)Write(folder + "/cgroup.procs", pid);
  ::rmdir(own.c_str());
  return handed;
}

}  // namespace

Result<GroupPlace> FindGroupPlace() {
  GroupPlace place;
  DCP_ASSIGN(const std::string groups, ReadFile("/proc/self/cgroup", kFileBytesMax));
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("0::", 0) == 0) place.own = line.substr(3);
  }
  DCP_ASSIGN(const std::string mounts, ReadFile("/proc/self/mountinfo", kFileBytesMax));
  std::istringstream rows(mounts);
  for (std::string row; std::getline(rows, row);) {
    if (row.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(row);
    std::string word;
    for (int field = 0; field < 5 && words >> word; ++field) continue;  // the mount point is fifth
    place.mount = word;
    break;
  }
  if (place.own.empty() || place.mount.empty()) {
    return Unavailable("control groups of version 2 are not mounted");
  }
  return place;
}

Result<std::string> PrepareGroups(const GroupPlace& place) {
  std::string own = place.own;
  const std::string last = std::string("/") + kOwnGroup;
  // Started by a daemon that had done this, or after one of its jobs.
  if (own.size() >= last.size() && own.compare(own.size() - last.size(), last.size(), last) == 0) {
    own.resize(own.size() - last.size());
  }
  const std::string folder = place.mount + (own == "/" ? "" : own);
  const auto controllers = ReadFile(folder + "/cgroup.controllers", kFileBytesMax);
  if (!controllers.ok()) return Unavailable("the control group " + folder + " cannot be read");
  for (const char* needed : {"memory", "pids"}) {
    if (HasWord(*controllers, needed)) continue;
    return Unavailable("the control group " + folder + " has no controller \"" + needed + "\"");
  }
  if (!Delegated(folder)) {
    return Unavailable("the control group " + folder + " is not delegated to dcpd");
  }
  if (const Status handed = HandOn(folder); !handed.ok()) {
    return Unavailable("the control group " + folder +
                       " cannot hand on memory and pids: " + handed.message());
  }
  SweepGroups(folder);
  return folder;
}

Result<std::unique_ptr<ControlGroup>> ControlGroup::Make(const std::string& parent,
                                                         const GroupLimits& limits) {
  static std::atomic<int64_t> made{0};
  std::string path = parent + "/" + kWorkerGroup + std::to_string(::getpid()) + "-" +
                     std::to_string(made.fetch_add(1));
  if (::mkdir(path.c_str(), 0755) != 0) return FromErrno(errno, path);
  std::unique_ptr<ControlGroup> group(new ControlGroup(std::move(path)));
  if (limits.memory_bytes > 0) {
    DCP_TRY(Write(group->path_ + "/memory.max", std::to_string(limits.memory_bytes)));
    (void)Write(group->path_ + "/memory.swap.max", "0");  // not there without swap accounting
  }
  if (limits.tasks > 0) DCP_TRY(Write(group->path_ + "/pids.max", std::to_string(limits.tasks)));
  return group;
}

ControlGroup::~ControlGroup() { RemoveGroup(path_); }

Status ControlGroup::Admit(int64_t pid) {
  return Write(path_ + "/cgroup.procs", std::to_string(pid));
}

bool ControlGroup::Kill() { return Write(path_ + "/cgroup.kill", "1").ok(); }

}  // namespace dcp::os
