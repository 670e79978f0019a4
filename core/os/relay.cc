// SPDX-License-Identifier: Apache-2.0
#include "os/relay.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace dcp::os {
namespace {

/// Of each direction: what a socket usually has at hand.
constexpr size_t kBufferBytes = size_t{64} << 10;

bool Passes(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Relay::Relay(Fd client, Fd upstream) : fds_{std::move(client), std::move(upstream)} {
  for (Direction& direction : directions_) {
    direction.buffer = std::make_unique<std::byte[]>(kBufferBytes);
  }
}

Relay::~Relay() {
  if (!broken_) return;
  const linger reset = {1, 0};
  for (const Fd& fd : fds_) {
    if (fd.valid()) (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
}

short Relay::Events(size_t side) const {
  if (!connected_) return side == kUpstream ? POLLOUT : 0;
  return static_cast<short>((Reads(side) ? POLLIN : 0) | (Writes(side) ? POLLOUT : 0));
}

std::array<pollfd, Relay::kSides> Relay::Wanted() const {
  std::array<pollfd, kSides> wanted{};
  for (size_t side = 0; side < kSides; ++side) {
    const short events = Events(side);
    wanted[side] = {events == 0 && quiet_[side] ? -1 : fds_[side].get(), events, 0};
  }
  return wanted;
}

void Relay::ServeConnecting(const std::array<pollfd, kSides>& found) {
  if (found[kUpstream].revents != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fds_[kUpstream].get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
        error != 0) {
      return Abort();  // refused: as close to that as an accepted connection can come
    }
    connected_ = true;
  } else if ((found[kClient].revents & POLLERR) != 0) {
    Abort();
  }
}

void Relay::Serve(const std::array<pollfd, kSides>& found) {
  if (!connected_) return ServeConnecting(found);
  for (size_t side = 0; side < kSides && !ended(); ++side) {
    const short events = found[side].revents;
    if (events == 0) continue;
    const bool over = (events & (POLLHUP | POLLERR)) != 0;
    if (Events(side) == 0) {
      if ((events & POLLERR) != 0) return Abort();
      quiet_[side] = over;
      continue;
    }
    if ((over || (events & POLLOUT) != 0) && Writes(side)) Write(1 - side);
    if ((over || (events & POLLIN) != 0) && Reads(side)) Read(side);
  }
}

void Relay::Read(size_t side) {
  Direction& direction = directions_[side];
  const ssize_t n = ::recv(fds_[side].get(), direction.buffer.get(), kBufferBytes, 0);
  if (n < 0) {
    if (!Passes(errno)) Abort();
    return;
  }
  if (n == 0) {
    direction.done = true;
    (void)::shutdown(fds_[1 - side].get(), SHUT_WR);
    return;
  }
  direction.begin = 0;
  direction.end = static_cast<size_t>(n);
  Write(side);
}

void Relay::Write(size_t from) {
  Direction& direction = directions_[from];
  const ssize_t n = ::send(fds_[1 - from].get(), direction.buffer.get() + direction.begin,
                           direction.end - direction.begin, MSG_NOSIGNAL);
  if (n >= 0) {
    direction.begin += static_cast<size_t>(n);
  } else if (!Passes(errno)) {
    // That end takes no more. What it had sent before is still to be read.
    direction.done = true;
    broken_ = true;
  }
}

void Relay::Abort() {
  broken_ = true;
  for (Direction& direction : directions_) direction.done = true;
}

}  // namespace dcp::os
