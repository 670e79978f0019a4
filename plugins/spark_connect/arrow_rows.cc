// SPDX-License-Identifier: Apache-2.0
#include "arrow_rows.h"

#include <dcp/contract/v1/test_backend.pb.h>
#include <endian.h>
#include <nanoarrow/nanoarrow_ipc.h>

#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "arrow_message.h"
#include "arrow_value.h"

namespace dcp::spark_connect {
namespace {

// nanoarrow's structures, released when they go.
struct Decoder {
  Decoder() { good = ArrowIpcDecoderInit(&it) == NANOARROW_OK; }
  ~Decoder() {
    if (good) ArrowIpcDecoderReset(&it);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ArrowIpcDecoder it{};
  bool good = false;
};
struct Schema {
  Schema() = default;
  ~Schema() {
    if (it.release != nullptr) ArrowSchemaRelease(&it);
  }
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ArrowSchema it{};
};

ArrowBufferView View(std::string_view bytes) {
  ArrowBufferView view{};
  view.data.data = bytes.data();
  view.size_bytes = static_cast<int64_t>(bytes.size());
  return view;
}

std::string Why(const char* what, const ArrowError& error) {
  return std::string(what) + ": " + std::string(error.message);
}

// Whether every array has a length that Arrow allows: nanoarrow's validation takes them on trust,
// and reads before a buffer for a negative one.
bool HasLengths(const ArrowArrayView& array, int depth) {
  if (depth > kArrowDepthMax) return false;
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  if (array.length < 0 || array.length > kMax || array.offset != 0) return false;
  for (int64_t i = 0; i < array.n_children; ++i) {
    if (!HasLengths(*array.children[i], depth + 1)) return false;
  }
  return true;
}

// Whether every buffer lies where its elements may be read: a stream chooses the places.
bool IsAligned(const ArrowArrayView& array, int depth) {
  if (depth > kArrowDepthMax) return false;
  for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; ++i) {
    const int64_t bits = array.layout.element_size_bits[i];
    const uintptr_t step = bits >= 64 ? 8 : bits >= 32 ? 4 : bits >= 16 ? 2 : 1;
    const auto place = reinterpret_cast<uintptr_t>(array.buffer_views[i].data.data);
    if (array.buffer_views[i].size_bytes > 0 && place % step != 0) return false;
  }
  for (int64_t i = 0; i < array.n_children; ++i) {
    if (!IsAligned(*array.children[i], depth + 1)) return false;
  }
  return true;
}

struct Message {
  std::string wrong;
  bool is_end = false;  ///< the stream's own mark
  std::string_view body;
};

/// Whether a message's head claims more bytes than there are. The reader adds to that number before
/// it looks at it, which for the largest overflows.
bool HeadExceeds(std::string_view stream) {
  constexpr uint32_t kContinuation = 0xffffffffU;
  const auto word = [stream](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, stream.data() + at, sizeof value);
    return le32toh(value);
  };
  constexpr size_t kWord = sizeof(uint32_t);
  if (stream.size() < 2 * kWord) return false;  // said by the reader
  // Before Arrow 0.15 the number stood alone.
  const size_t prefix = word(0) == kContinuation ? 2 * kWord : kWord;
  return word(prefix - kWord) > stream.size() - prefix;
}

// Reads the head of the next message into the decoder, and takes the message off the stream.
Message NextMessage(Decoder& decoder, std::string_view* stream) {
  ArrowError error{};
  int32_t prefix = 0;
  if (HeadExceeds(*stream)) return {"a message's head is cut short", false, {}};
  const int peeked = ArrowIpcDecoderPeekHeader(&decoder.it, View(*stream), &prefix, &error);
  if (peeked == ENODATA) return {"", true, {}};
  if (peeked != NANOARROW_OK) return {Why("a message's head", error), false, {}};
  // The first checks the whole head against its own size; only then may the others read it.
  if (ArrowIpcDecoderVerifyHeader(&decoder.it, View(*stream), &error) != NANOARROW_OK) {
    return {Why("a message's head", error), false, {}};
  }
  if (!dcp_arrow_message_has_header(stream->data() + prefix)) {
    return {"a message without a head", false, {}};
  }
  if (ArrowIpcDecoderDecodeHeader(&decoder.it, View(*stream), &error) != NANOARROW_OK) {
    return {Why("a message's head", error), false, {}};
  }
  if (decoder.it.header_size_bytes <= 0 || decoder.it.body_size_bytes < 0) {
    return {"a message of no size", false, {}};
  }
  const auto head = static_cast<size_t>(decoder.it.header_size_bytes);
  const auto body = static_cast<size_t>(decoder.it.body_size_bytes);
  if (head > stream->size() || body > stream->size() - head) {
    return {"a message is cut short", false, {}};
  }
  const std::string_view data = stream->substr(head, body);
  stream->remove_prefix(head + body);
  return {"", false, data};
}

}  // namespace

RowReader::RowReader(std::vector<TypeHint> hints, const RowLimits& limits,
                     contract::v1::PreviewResponse* response)
    : hints_(std::move(hints)), limits_(limits), response_(response) {}

std::string RowReader::Take(std::string_view stream) {
  constexpr size_t kAlignment = 8;
  if (reinterpret_cast<uintptr_t>(stream.data()) % kAlignment == 0) return TakeAligned(stream);
  std::vector<uint64_t> copy(stream.size() / kAlignment + 1);
  char* const bytes = reinterpret_cast<char*>(copy.data());
  stream.copy(bytes, stream.size());
  return TakeAligned({bytes, stream.size()});
}

std::string RowReader::TakeAligned(std::string_view stream) {
  Decoder decoder;
  Schema schema;
  ArrowError error{};
  std::vector<ColumnReader> columns;
  if (!decoder.good) return "no memory for Arrow's decoder";
  while (!full_ && !stream.empty()) {
    const Message message = NextMessage(decoder, &stream);
    if (!message.wrong.empty()) return message.wrong;
    if (message.is_end) break;
    if (decoder.it.message_type == NANOARROW_IPC_MESSAGE_TYPE_SCHEMA) {
      if (schema.it.release != nullptr) return "a second schema in one stream";
      if (decoder.it.endianness == NANOARROW_IPC_ENDIANNESS_BIG) return "numbers are big-endian";
      if (ArrowIpcDecoderDecodeSchema(&decoder.it, &schema.it, &error) != NANOARROW_OK ||
          ArrowIpcDecoderSetSchema(&decoder.it, &schema.it, &error) != NANOARROW_OK) {
        return Why("the schema", error);
      }
      const std::string wrong = MakeColumns(schema.it, hints_, &columns);
      if (!wrong.empty()) return wrong;
      continue;
    }
    if (decoder.it.message_type != NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH) {
      return "a message that is neither a schema nor a record batch";
    }
    if (schema.it.release == nullptr) return "a record batch before the schema";
    if (decoder.it.codec != NANOARROW_IPC_COMPRESSION_TYPE_NONE) return "a compressed body";
    ArrowArrayView* batch = nullptr;
    if (ArrowIpcDecoderDecodeArrayView(&decoder.it, View(message.body), -1, &batch, &error) !=
        NANOARROW_OK) {
      return Why("a record batch", error);
    }
    if (!HasLengths(*batch, 0)) return "a record batch has arrays of impossible lengths";
    // Before the validation, which reads offsets.
    if (!IsAligned(*batch, 0)) return "a record batch's buffers are not aligned";
    if (ArrowArrayViewValidate(batch, NANOARROW_VALIDATION_LEVEL_FULL, &error) != NANOARROW_OK) {
      return Why("a record batch", error);
    }
    for (int64_t row = 0; row < batch->length && !full_; ++row) {
      if (response_->rows_size() >= limits_.rows) {
        response_->set_more_rows(true);
        full_ = true;
        break;
      }
      auto* list = response_->add_rows();
      int64_t left = limits_.bytes - bytes_;
      const std::string wrong = ReadRow(columns, *batch, row, &left, list);
      if (left < 0 || !wrong.empty()) response_->mutable_rows()->RemoveLast();
      if (!wrong.empty()) return wrong;
      if (left < 0) {
        response_->set_truncated(true);
        full_ = true;
      } else {
        bytes_ = limits_.bytes - left;
      }
    }
  }
  return {};
}

}  // namespace dcp::spark_connect
