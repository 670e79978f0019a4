// SPDX-License-Identifier: Apache-2.0
//
// The log. Every line has an id from the catalogue (log/messages.inc: level, text, what it means,
// what an operator should do) and named fields. Goes to stderr, as text or as JSON lines. Secrets
// have their own type, which cannot be a field; and those that are concealed (base/redaction.h) are
// taken out of every value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dcp::log {

enum class Level { kTrace, kDebug, kInfo, kWarning, kError };

/// Ids of the catalogue, e.g. log::Id::kDaemonReady.
enum class Id {
#define DCP_LOG_MESSAGE(name, level, text, meaning, action) name,
#include "log/messages.inc"
#undef DCP_LOG_MESSAGE
};

struct Field {
  std::string_view key;
  std::string value;
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, int64_t v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
};

struct Options {
  Level level = Level::kInfo;
  bool json = false;
};

/// Sets the process up; without it, lines of kInfo and above go to stderr as text. Early, and
/// again when settings change. [any]
void Configure(const Options& options);
/// Writes one line. Never blocks on the reader of stderr for long, never fails. [any]
void Write(Id id, std::initializer_list<Field> fields = {});
/// Flushes what is buffered. Before the process ends.
void Flush();

/// The text as one line of UTF-8 that cannot drive a terminal: control characters and bytes that
/// are not UTF-8 are escaped, and what is longer is cut. For keeping what others wrote.
std::string OneLine(std::string_view text, size_t bytes_max);

/// One entry of the catalogue, for documentation and tests.
struct Message {
  std::string_view name;
  Level level;
  std::string_view text;
  std::string_view meaning;
  std::string_view action;
};
const Message& MessageOf(Id id);

}  // namespace dcp::log
