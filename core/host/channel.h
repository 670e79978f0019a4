// SPDX-License-Identifier: Apache-2.0
//
// One end of the socket between host and worker: whole messages out from any thread, bytes in for
// one reader. Standard library and POSIX only; linked into the worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "host/frame.h"

namespace dcp::host {

class Channel {
 public:
  /// Owns `fd`, a connected stream socket.
  explicit Channel(int fd) : fd_(fd) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  int fd() const { return fd_; }

  /// Sends one message, in chunks when it is large; chunks of several senders take turns. Waits
  /// while the peer is behind. UNAVAILABLE once the peer is gone, RESOURCE_EXHAUSTED for a body
  /// beyond the limit (nothing is sent then). [any] blocks
  Status Send(FrameType type, uint64_t call_id, std::string_view body);
  /// As Send, but a small message may stay here, with others of its kind, until the next Send or
  /// Flush; `held` says that some do. The first after a pause goes at once. [any] blocks
  Status Hold(FrameType type, uint64_t call_id, std::string_view head, std::string_view body,
              bool& held);
  /// Sends what is held. [any] blocks
  Status Flush();
  /// Sends a message without a body unless that would wait. False: it was not sent. [any]
  bool TrySend(FrameType type, uint64_t call_id);
  /// Waits for bytes and appends the messages they complete. False at the end of the stream. One
  /// thread at a time. blocks
  Result<bool> Receive(std::vector<Frame>& out);
  /// What a look at the socket brought.
  enum class Got { kAll, kMore, kEnd };
  /// Takes the bytes that are there, up to one read: kMore when others may be. One thread at a
  /// time.
  Result<Got> ReceiveNow(std::vector<Frame>& out);
  /// Ends both directions: a waiting Send or Receive returns. [any]
  void Shutdown();

 private:
  Status SendChunk(const FrameHeader& header, std::string_view body) DCP_REQUIRES(mutex_);
  /// What is held, then these.
  Status Write(std::string_view head, std::string_view body) DCP_REQUIRES(mutex_);
  Result<Got> Read(std::vector<Frame>& out, int flags);

  const int fd_;
  Mutex mutex_;
  std::string held_ DCP_GUARDED_BY(mutex_);        ///< whole messages
  int64_t written_ns_ DCP_GUARDED_BY(mutex_) = 0;  ///< the last time that anything was
  FrameReader reader_;
  std::vector<char> buffer_;
};

}  // namespace dcp::host
