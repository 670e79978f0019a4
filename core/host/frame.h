// SPDX-License-Identifier: Apache-2.0
//
// What the host and a plugin's worker say to each other: frames of a 16-byte header and a body,
// little-endian. A large body goes as several frames with the flag "more", so that others can pass
// between them. Standard library only: it is fuzzed, and linked into the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace dcp::host {

/// Raised when any frame changes its meaning. Host and worker are built together.
constexpr uint32_t kFrameProtocol = 6;
constexpr size_t kFrameHeaderBytes = 16;
/// Body of one frame: about one socket buffer, so that a chunk holds the line for microseconds.
constexpr size_t kFrameBodyMax = size_t{128} << 10;
/// Beside a message of the largest size stand a code, a method's name and lengths.
constexpr size_t kMessageOverheadMax = 4096;
/// Bytes of unfinished messages together: what a peer can make us hold with chunks alone. Four
/// messages of the largest size.
constexpr size_t kPartialBytesMax = 4 * limits::kMessageBytesMax;

enum class FrameType : uint16_t {
  kHello = 1,  ///< host: see hello.h
  kReady,      ///< worker: code, flags, what the sandbox lacks, text
  kValidate,   ///< host: configuration
  kCreate,     ///< host: configuration
  kDestroy,    ///< host: drain, then destroy
  kInvoke,     ///< host: deadline, flags (below), method, request
  kCancel,     ///< host
  kEvent,      ///< worker: kind, body
  kComplete,   ///< worker: code, body; answers all four requests above
  kLog,        ///< worker: level, text
  kPing,       ///< host
  kPong,       ///< worker
  kRoom,       ///< host: that many bytes of the call's DATA events have been taken
};
constexpr uint16_t kFrameTypeLast = static_cast<uint16_t>(FrameType::kRoom);

/// A flag of kInvoke: the caller takes DATA events. A plugin's emit() is refused without it.
constexpr uint32_t kInvokeTakesData = 1;

/// DATA events of one call that are on their way: the worker waits before it sends more. All open
/// calls of an instance together fill 256 MiB with it, and one is filled in about a millisecond.
constexpr size_t kEventWindowBytes = size_t{256} << 10;
/// What an event costs beside its bytes, so that empty ones are bounded too.
constexpr size_t kEventOverheadBytes = 64;
constexpr size_t EventCost(size_t bytes) { return bytes + kEventOverheadBytes; }

/// Who speaks in a kComplete frame's body.
enum class Origin : uint32_t {
  kPlugin = 0,  ///< a response, or an Error in the plugin's encoding
  kWorker = 1,  ///< plain text
};

constexpr uint16_t kFlagMore = 1;  ///< the next frame of this type and call goes on with the body

struct FrameHeader {
  uint32_t length = 0;  ///< of the body in this frame
  FrameType type = FrameType::kPing;
  uint16_t flags = 0;
  uint64_t call_id = 0;
};

/// A whole message, put together from its frames.
struct Frame {
  FrameType type = FrameType::kPing;
  uint64_t call_id = 0;
  std::string body;
};

void EncodeHeader(const FrameHeader& header, char (&out)[kFrameHeaderBytes]);
/// INVALID_ARGUMENT for a type, flag or length that no peer of ours sends.
Result<FrameHeader> DecodeHeader(std::string_view bytes);

/// Turns a stream of bytes, cut anywhere, into frames. After a failure the stream is lost.
class FrameReader {
 public:
  explicit FrameReader(size_t message_bytes_max = limits::kMessageBytesMax + kMessageOverheadMax)
      : message_bytes_max_(message_bytes_max) {}

  /// Takes `bytes` and appends what is complete to `out`.
  Status Feed(std::string_view bytes, std::vector<Frame>& out);

 private:
  using Key = std::pair<uint16_t, uint64_t>;
  Status Finish(std::vector<Frame>& out);

  size_t message_bytes_max_;
  std::string header_bytes_;
  FrameHeader header_;
  bool in_body_ = false;
  std::string body_;
  std::map<Key, std::string> partial_;
  size_t partial_bytes_ = 0;
};

/// Writes numbers and texts one after the other into a body.
class BodyWriter {
 public:
  BodyWriter& U32(uint32_t value);
  BodyWriter& I64(int64_t value);
  BodyWriter& Text(std::string_view text);  ///< with its length
  BodyWriter& Rest(std::string_view text);  ///< without: must come last
  void Reserve(size_t bytes) { out_.reserve(bytes); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what BodyWriter wrote. Reading beyond the end gives zero and empty, and ok() is false.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : rest_(body) {}
  uint32_t U32();
  int64_t I64();
  std::string_view Text();
  std::string_view Rest();
  bool ok() const { return ok_; }

 private:
  std::string_view Take(size_t size);
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace dcp::host
