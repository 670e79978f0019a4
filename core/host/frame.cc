// SPDX-License-Identifier: Apache-2.0
//
// The frame codec.
#include "host/frame.h"

#include <algorithm>

namespace dcp::host {
namespace {

template <typename T>
void PutLittle(T value, char* out) {
  for (size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>((value >> (8 * i)) & 0xFF);
}

template <typename T>
T GetLittle(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    const T byte = static_cast<unsigned char>(bytes[i]);
    value = static_cast<T>(value | static_cast<T>(byte << (8 * i)));
  }
  return value;
}

}  // namespace

void EncodeHeader(const FrameHeader& header, char (&out)[kFrameHeaderBytes]) {
  PutLittle<uint32_t>(header.length, out);
  PutLittle<uint16_t>(static_cast<uint16_t>(header.type), out + 4);
  PutLittle<uint16_t>(header.flags, out + 6);
  PutLittle<uint64_t>(header.call_id, out + 8);
}

Result<FrameHeader> DecodeHeader(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return InvalidArgument("frame header is cut short");
  FrameHeader header;
  header.length = GetLittle<uint32_t>(bytes);
  const auto type = GetLittle<uint16_t>(bytes.substr(4));
  header.flags = GetLittle<uint16_t>(bytes.substr(6));
  header.call_id = GetLittle<uint64_t>(bytes.substr(8));
  if (type == 0 || type > kFrameTypeLast) {
    return InvalidArgument("frame has the unknown type " + std::to_string(type));
  }
  header.type = static_cast<FrameType>(type);
  if ((header.flags & ~kFlagMore) != 0) {
    return InvalidArgument("frame has the unknown flags " + std::to_string(header.flags));
  }
  if (header.length > kFrameBodyMax) {
    return InvalidArgument("frame body has " + std::to_string(header.length) +
                           " bytes, the limit is " + std::to_string(kFrameBodyMax));
  }
  // An empty chunk that announces more would let a peer send for ever without progress.
  if (header.length == 0 && (header.flags & kFlagMore) != 0) {
    return InvalidArgument("frame announces more and brings nothing");
  }
  return header;
}

Status FrameReader::Feed(std::string_view bytes, std::vector<Frame>& out) {
  while (!bytes.empty()) {
    if (!in_body_) {
      if (header_bytes_.empty() && bytes.size() >= kFrameHeaderBytes) {
        DCP_ASSIGN(header_, DecodeHeader(bytes.substr(0, kFrameHeaderBytes)));
        bytes.remove_prefix(kFrameHeaderBytes);
      } else {
        const size_t take = std::min(bytes.size(), kFrameHeaderBytes - header_bytes_.size());
        header_bytes_ += bytes.substr(0, take);
        bytes.remove_prefix(take);
        if (header_bytes_.size() < kFrameHeaderBytes) return Status::Ok();
        DCP_ASSIGN(header_, DecodeHeader(header_bytes_));
      }
      header_bytes_.clear();
      in_body_ = true;
    }
    const size_t take = std::min(bytes.size(), header_.length - body_.size());
    if (body_.empty()) body_.reserve(header_.length);
    body_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
    if (body_.size() < header_.length) return Status::Ok();
    in_body_ = false;
    DCP_TRY(Finish(out));
  }
  return Status::Ok();
}

Status FrameReader::Finish(std::vector<Frame>& out) {
  std::string body = std::move(body_);
  body_.clear();
  const Key key{static_cast<uint16_t>(header_.type), header_.call_id};
  const auto found = partial_.find(key);
  const bool more = (header_.flags & kFlagMore) != 0;
  if (found == partial_.end() && !more) {
    out.push_back({header_.type, header_.call_id, std::move(body)});
    return Status::Ok();
  }
  std::string& whole = found == partial_.end() ? partial_[key] : found->second;
  if (whole.size() + body.size() > message_bytes_max_) {
    return ResourceExhausted("a message is larger than " + std::to_string(message_bytes_max_) +
                             " bytes");
  }
  if (partial_bytes_ + body.size() > kPartialBytesMax) {
    return ResourceExhausted("unfinished messages hold more than " +
                             std::to_string(kPartialBytesMax) + " bytes");
  }
  whole += body;
  partial_bytes_ += body.size();
  if (more) return Status::Ok();
  partial_bytes_ -= whole.size();
  out.push_back({header_.type, header_.call_id, std::move(whole)});
  partial_.erase(key);
  return Status::Ok();
}

BodyWriter& BodyWriter::U32(uint32_t value) {
  char bytes[sizeof(value)];
  PutLittle(value, bytes);
  out_.append(bytes, sizeof(bytes));
  return *this;
}

BodyWriter& BodyWriter::I64(int64_t value) {
  char bytes[sizeof(value)];
  PutLittle(static_cast<uint64_t>(value), bytes);
  out_.append(bytes, sizeof(bytes));
  return *this;
}

BodyWriter& BodyWriter::Text(std::string_view text) {
  U32(static_cast<uint32_t>(text.size()));
  return Rest(text);
}

BodyWriter& BodyWriter::Rest(std::string_view text) {
  out_ += text;
  return *this;
}

std::string_view BodyReader::Take(size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint32_t BodyReader::U32() {
  const std::string_view bytes = Take(sizeof(uint32_t));
  return bytes.empty() ? 0 : GetLittle<uint32_t>(bytes);
}

int64_t BodyReader::I64() {
  const std::string_view bytes = Take(sizeof(int64_t));
  return bytes.empty() ? 0 : static_cast<int64_t>(GetLittle<uint64_t>(bytes));
}

std::string_view BodyReader::Text() { return Take(U32()); }

std::string_view BodyReader::Rest() { return Take(rest_.size()); }

}  // namespace dcp::host
