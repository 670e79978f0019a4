// SPDX-License-Identifier: Apache-2.0
//
// For tests: another Unix user of this machine. Only root can become one; for anybody else the
// neighbour is the same user.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/status.h"

namespace dcp::os {

inline constexpr uid_t kNobody = 65534;

/// A process of another user that does one thing, says so, and stays until it is told to end.
class Neighbour {
 public:
  explicit Neighbour(const std::function<bool()>& act) {
    DCP_CHECK(::pipe2(said_, O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const bool left = ::geteuid() != 0 || ::setresuid(kNobody, kNobody, kNobody) == 0;
      const char word = left && act() ? 'y' : 'n';
      (void)!::write(said_[1], &word, 1);
      ::pause();
      ::_exit(0);
    }
    char word = 0;
    DCP_CHECK(::read(said_[0], &word, 1) == 1);
    acted_ = word == 'y';
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(said_[0]);
    ::close(said_[1]);
  }
  bool acted() const { return acted_; }

 private:
  int said_[2] = {-1, -1};
  pid_t pid_ = -1;
  bool acted_ = false;
};

}  // namespace dcp::os
