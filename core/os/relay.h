// SPDX-License-Identifier: Apache-2.0
//
// One connection that is passed on to another: what a Forwarder has many of.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <memory>

#include "os/descriptor.h"

namespace dcp::os {

/// Copies bytes both ways between two sockets that do not block, and passes on the end of each
/// direction by itself (half-close), as well as a reset. Holds one buffer for each direction: who
/// sends faster than the other end reads is not read from meanwhile.
class Relay {
 public:
  /// `upstream` is being connected.
  Relay(Fd client, Fd upstream);
  Relay(Relay&&) = default;
  Relay& operator=(Relay&&) = default;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  static constexpr size_t kSides = 2;  ///< client, upstream
  /// What to wait for. A descriptor of -1: nothing of that side.
  std::array<pollfd, kSides> Wanted() const;
  /// `found`: Wanted() with its answers.
  void Serve(const std::array<pollfd, kSides>& found);
  bool ended() const { return directions_[0].done && directions_[1].done; }

 private:
  static constexpr size_t kClient = 0;
  static constexpr size_t kUpstream = 1;
  /// What comes from the side of the same number.
  struct Direction {
    std::unique_ptr<std::byte[]> buffer;
    size_t begin = 0;
    size_t end = 0;
    bool done = false;
    bool empty() const { return begin == end; }
  };

  bool Reads(size_t side) const { return !directions_[side].done && directions_[side].empty(); }
  bool Writes(size_t side) const {
    const Direction& to_it = directions_[1 - side];
    return !to_it.done && !to_it.empty();
  }
  short Events(size_t side) const;
  void ServeConnecting(const std::array<pollfd, kSides>& found);
  void Read(size_t side);
  void Write(size_t from);
  void Abort();

  std::array<Fd, kSides> fds_;
  std::array<Direction, kSides> directions_;
  /// Both ways of it have ended, as poll says each time, and there is nothing to do about it yet.
  std::array<bool, kSides> quiet_{};
  bool connected_ = false;
  bool broken_ = false;  ///< it ends with a reset
};

}  // namespace dcp::os
