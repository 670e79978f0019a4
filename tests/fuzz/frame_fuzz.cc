// SPDX-License-Identifier: Apache-2.0
//
// The frame codec, as a hostile peer would use it, and as ours does: a message written by us comes
// back whole however the stream is cut, and cuts change nothing about what foreign bytes mean.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "host/frame.h"

namespace {

using dcp::host::DecodeHeader;
using dcp::host::EncodeHeader;
using dcp::host::Frame;
using dcp::host::FrameHeader;
using dcp::host::FrameReader;
using dcp::host::FrameType;

constexpr size_t kMessageMax = 4096;  // small, so that the limit is met

struct Outcome {
  bool ok = true;
  std::string message;
  std::vector<Frame> frames;
};

Outcome Feed(std::string_view bytes, size_t piece) {
  FrameReader reader(kMessageMax);
  Outcome outcome;
  while (!bytes.empty()) {
    const size_t take = std::min(piece, bytes.size());
    const dcp::Status status = reader.Feed(bytes.substr(0, take), outcome.frames);
    bytes.remove_prefix(take);
    if (!status.ok()) {
      outcome.ok = false;
      outcome.message = status.message();
      FUZZ_CHECK(!outcome.message.empty());
      return outcome;
    }
  }
  return outcome;
}

void CheckForeign(std::string_view bytes) {
  const Outcome whole = Feed(bytes, bytes.size());
  for (const size_t piece : {size_t{1}, size_t{7}, dcp::host::kFrameHeaderBytes}) {
    const Outcome cut = Feed(bytes, piece);
    FUZZ_CHECK(cut.ok == whole.ok && cut.message == whole.message);
    FUZZ_CHECK(cut.frames.size() == whole.frames.size());
    for (size_t i = 0; i < cut.frames.size(); ++i) {
      FUZZ_CHECK(cut.frames[i].body == whole.frames[i].body);
      FUZZ_CHECK(cut.frames[i].type == whole.frames[i].type);
      FUZZ_CHECK(cut.frames[i].call_id == whole.frames[i].call_id);
    }
  }
  for (const Frame& frame : whole.frames) {
    // A single frame may be as large as one body; one put together from chunks obeys the limit.
    FUZZ_CHECK(frame.body.size() <= std::max(kMessageMax, dcp::host::kFrameBodyMax));
    FUZZ_CHECK(static_cast<uint16_t>(frame.type) >= 1 &&
               static_cast<uint16_t>(frame.type) <= dcp::host::kFrameTypeLast);
  }
}

void CheckHeader(std::string_view bytes) {
  const auto header = DecodeHeader(bytes);
  if (!header.ok()) return;
  char out[dcp::host::kFrameHeaderBytes];
  EncodeHeader(*header, out);
  FUZZ_CHECK(bytes.starts_with(std::string_view(out, sizeof(out))));
}

/// `body` as frames of `chunk` bytes, with a frame of another call between each two.
std::string Write(std::string_view body, size_t chunk, uint64_t call) {
  std::string out;
  do {
    const std::string_view part = body.substr(0, std::max<size_t>(1, chunk));
    body.remove_prefix(part.size());
    FrameHeader header;
    header.length = static_cast<uint32_t>(part.size());
    header.type = FrameType::kInvoke;
    header.flags = body.empty() ? uint16_t{0} : dcp::host::kFlagMore;
    header.call_id = call;
    char bytes[dcp::host::kFrameHeaderBytes];
    EncodeHeader(header, bytes);
    out.append(bytes, sizeof(bytes)).append(part);
    if (!body.empty()) {
      EncodeHeader({0, FrameType::kPing, 0, call + 1}, bytes);
      out.append(bytes, sizeof(bytes));
    }
  } while (!body.empty());
  return out;
}

void CheckOwn(std::string_view body, size_t chunk, size_t piece) {
  body = body.substr(0, kMessageMax);
  const Outcome outcome = Feed(Write(body, chunk, 42), std::max<size_t>(1, piece));
  FUZZ_CHECK(outcome.ok && !outcome.frames.empty());
  FUZZ_CHECK(outcome.frames.back().type == FrameType::kInvoke);
  FUZZ_CHECK(outcome.frames.back().body == body);
  FUZZ_CHECK(outcome.frames.back().call_id == 42);
}

void CheckBody(std::string_view body) {
  dcp::host::BodyReader reader(body);
  const uint32_t number = reader.U32();
  const int64_t wide = reader.I64();
  const std::string text(reader.Text());
  const std::string rest(reader.Rest());
  if (!reader.ok()) return;
  dcp::host::BodyWriter writer;
  FUZZ_CHECK(writer.U32(number).I64(wide).Text(text).Rest(rest).Take() == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = dcp::fuzz::Text(data, size);
  CheckForeign(text);
  CheckHeader(text);
  CheckBody(text);
  const size_t chunk = dcp::fuzz::TakeByte(text);
  const size_t piece = dcp::fuzz::TakeByte(text);
  CheckOwn(text, chunk, piece);
  return 0;
}
