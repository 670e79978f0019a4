// SPDX-License-Identifier: Apache-2.0
//
// Messages over a socket.
#include "host/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace dcp::host {
namespace {

/// One read: a few small messages, or a good part of a chunk.
constexpr size_t kReadBytes = size_t{64} << 10;

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
    const std::lock_guard lock(mutex_);
    DCP_TRY(SendChunk(header, chunk));
  } while (!body.empty());
  return Status::Ok();
}

Status Channel::SendChunk(const FrameHeader& header, std::string_view body) {
  char head[kFrameHeaderBytes];
  EncodeHeader(header, head);
  iovec parts[2] = {{head, sizeof(head)}, {const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = body.empty() ? 1 : 2;
  while (message.msg_iovlen > 0) {
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Gone(errno);
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
  return Status::Ok();
}

bool Channel::TrySend(FrameType type, uint64_t call_id) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  FrameHeader header;
  header.type = type;
  header.call_id = call_id;
  char head[kFrameHeaderBytes];
  EncodeHeader(header, head);
  // A stream socket of this family takes so few bytes whole or not at all.
  return send(fd_, head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(head);
}

Result<bool> Channel::Receive(std::vector<Frame>& out) {
  buffer_.resize(kReadBytes);
  for (;;) {
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return false;
    if (got < 0) return FromErrno(errno, "plugin socket");
    DCP_TRY(reader_.Feed({buffer_.data(), static_cast<size_t>(got)}, out));
    return true;
  }
}

void Channel::Shutdown() { shutdown(fd_, SHUT_RDWR); }

}  // namespace dcp::host
