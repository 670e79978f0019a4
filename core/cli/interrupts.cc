// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C by the self-pipe trick: the handler only writes a byte, which stays in the pipe so that
// everybody who polls sees it.
#include "cli/interrupts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/status.h"

namespace dcp::cli {
namespace {

std::array<int, 2> signal_pipe = {-1, -1};
int living = 0;  // one thread makes and ends them

void OnSignal(int) {
  const char byte = 1;
  [[maybe_unused]] const ssize_t written = write(signal_pipe[1], &byte, 1);
}

bool Readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) > 0 && (entry.revents & POLLIN) != 0;
}

}  // namespace

Interrupts::Interrupts(std::function<void()> action) {
  if (signal_pipe[0] < 0) DCP_CHECK(pipe2(signal_pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  char byte = 0;
  while (living == 0 && read(signal_pipe[0], &byte, 1) == 1) {  // of an earlier command
  }
  ++living;
  DCP_CHECK(pipe2(stop_pipe_, O_CLOEXEC) == 0);
  previous_ = std::signal(SIGINT, OnSignal);
  thread_ = std::jthread([this, action = std::move(action)] {
    std::array<pollfd, 2> entries = {pollfd{signal_pipe[0], POLLIN, 0},
                                     pollfd{stop_pipe_[0], POLLIN, 0}};
    while (poll(entries.data(), entries.size(), -1) < 0) {  // EINTR
    }
    if ((entries[0].revents & POLLIN) != 0) action();
  });
}

Interrupts::~Interrupts() {
  --living;
  std::signal(SIGINT, previous_);
  const char byte = 1;
  [[maybe_unused]] const ssize_t written = write(stop_pipe_[1], &byte, 1);
  thread_.join();
  close(stop_pipe_[0]);
  close(stop_pipe_[1]);
}

bool Interrupts::Happened() const { return Readable(signal_pipe[0], 0); }

bool Interrupts::WaitFor(int64_t milliseconds) const {
  return Readable(signal_pipe[0], static_cast<int>(milliseconds));
}

}  // namespace dcp::cli
