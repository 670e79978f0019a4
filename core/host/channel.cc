// SPDX-License-Identifier: Apache-2.0
//
// Messages over a socket.
#include "host/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace dcp::host {
namespace {

/// One read: a few small messages, or a good part of a chunk.
constexpr size_t kReadBytes = size_t{64} << 10;
/// Larger messages gain nothing from company.
constexpr size_t kHeldBodyMax = 4096;
/// One write of so much costs little more than one of a single small message.
constexpr size_t kHeldBytesMax = size_t{32} << 10;
/// After such a pause a message is not one of a burst.
constexpr int64_t kQuietNs = 1'000'000;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Status Gone(int error) {
  if (error == EPIPE || error == ECONNRESET) return Unavailable("the peer closed the socket");
  return FromErrno(error, "plugin socket");
}

}  // namespace

Channel::~Channel() { close(fd_); }

Status Channel::Send(FrameType type, uint64_t call_id, std::string_view body) {
  if (body.size() > limits::kMessageBytesMax + kMessageOverheadMax) {
    return ResourceExhausted("a message of " + std::to_string(body.size()) +
                             " bytes is larger than the limit of " +
                             std::to_string(limits::kMessageBytesMax));
  }
  do {
    const std::string_view chunk = body.substr(0, kFrameBodyMax);
    body.remove_prefix(chunk.size());
    FrameHeader header;
    header.length = static_cast<uint32_t>(chunk.size());
    header.type = type;
    header.flags = body.empty() ? uint16_t{0} : kFlagMore;
    header.call_id = call_id;
    // The lock is let go between chunks: a small message need not wait for a large one.
    const MutexLock lock(mutex_);
    DCP_TRY(SendChunk(header, chunk));
  } while (!body.empty());
  return Status::Ok();
}

Status Channel::SendChunk(const FrameHeader& header, std::string_view body) {
  char head[kFrameHeaderBytes];
  EncodeHeader(header, head);
  return Write({head, sizeof(head)}, body);
}

Status Channel::Write(std::string_view head, std::string_view body) {
  iovec parts[3];
  msghdr message{};
  for (const std::string_view part : {std::string_view(held_), head, body}) {
    if (part.empty()) continue;
    parts[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
  }
  message.msg_iov = parts;
  Status status;
  while (status.ok() && message.msg_iovlen > 0) {
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      status = Gone(errno);
      break;
    }
    auto left = static_cast<size_t>(sent);
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + left;
      message.msg_iov->iov_len -= left;
    }
  }
  held_.clear();
  return status;
}

Status Channel::Hold(FrameType type, uint64_t call_id, std::string_view head, std::string_view body,
                     bool& held) {
  const size_t size = head.size() + body.size();
  if (size > kHeldBodyMax) {
    held = false;
    return Send(type, call_id, std::string(head).append(body));
  }
  FrameHeader header;
  header.length = static_cast<uint32_t>(size);
  header.type = type;
  header.call_id = call_id;
  char bytes[kFrameHeaderBytes];
  EncodeHeader(header, bytes);
  const MutexLock lock(mutex_);
  held_.append(bytes, sizeof(bytes)).append(head).append(body);
  const int64_t now = NowNs();
  held = held_.size() < kHeldBytesMax && now - written_ns_ < kQuietNs;
  if (held) return Status::Ok();
  written_ns_ = now;
  return Write({}, {});
}

Status Channel::Flush() {
  const MutexLock lock(mutex_);
  if (held_.empty()) return Status::Ok();
  written_ns_ = NowNs();
  return Write({}, {});
}

bool Channel::TrySend(FrameType type, uint64_t call_id) {
  if (!mutex_.try_lock()) return false;
  const MutexLock lock(mutex_, std::adopt_lock);
  if (!held_.empty()) return false;
  FrameHeader header;
  header.type = type;
  header.call_id = call_id;
  char head[kFrameHeaderBytes];
  EncodeHeader(header, head);
  // A stream socket of this family takes so few bytes whole or not at all.
  return send(fd_, head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(head);
}

Result<bool> Channel::Receive(std::vector<Frame>& out) {
  DCP_ASSIGN(const Got got, Read(out, 0));
  return got != Got::kEnd;
}

Result<Channel::Got> Channel::ReceiveNow(std::vector<Frame>& out) {
  return Read(out, MSG_DONTWAIT);
}

Result<Channel::Got> Channel::Read(std::vector<Frame>& out, int flags) {
  buffer_.resize(kReadBytes);
  for (;;) {
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), flags);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return Got::kAll;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return Got::kEnd;
    if (got < 0) return FromErrno(errno, "plugin socket");
    DCP_TRY(reader_.Feed({buffer_.data(), static_cast<size_t>(got)}, out));
    return static_cast<size_t>(got) < buffer_.size() ? Got::kAll : Got::kMore;
  }
}

void Channel::Shutdown() { shutdown(fd_, SHUT_RDWR); }

}  // namespace dcp::host
