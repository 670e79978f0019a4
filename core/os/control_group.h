// SPDX-License-Identifier: Apache-2.0
//
// Control groups (version 2): what a child and all that it starts may use together. They are
// available where the system has delegated this process's group to its user (systemd:
// Delegate=yes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace dcp::os {

/// Where the kernel shows control groups, and which one this process is in.
struct GroupPlace {
  std::string mount;  ///< of cgroup2
  std::string own;    ///< below it: "/system.slice/pretzel.service"
};

/// UNAVAILABLE where no group is delegated.
Result<GroupPlace> FindGroupPlace();

/// Makes this process's group hand on memory and pids, and answers its folder. The kernel wants no
/// processes in such a group, so this one goes into a group of its own inside. Groups that a daemon
/// left which is gone are removed, with what is in them. UNAVAILABLE says why there are no groups;
/// nothing is changed then.
Result<std::string> PrepareGroups(const GroupPlace& place);

struct GroupLimits {
  int64_t memory_bytes = 0;  ///< of every kind, the kernel's for it included; 0: no limit
  int64_t tasks = 0;         ///< threads and processes; 0: no limit
};

class ControlGroup {
 public:
  /// `parent` is what PrepareGroups() answered.
  static Result<std::unique_ptr<ControlGroup>> Make(const std::string& parent,
                                                    const GroupLimits& limits);
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;
  /// Kills what is in it, and removes it.
  ~ControlGroup();

  /// Moves a process into it; what it starts from then on is there, too.
  Status Admit(int64_t pid);
  /// Everything in it, wherever in the tree of processes. False: the kernel cannot (before 5.14).
  bool Kill();
  const std::string& path() const { return path_; }

 private:
  explicit ControlGroup(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

}  // namespace dcp::os
