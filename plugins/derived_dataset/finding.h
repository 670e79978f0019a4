// SPDX-License-Identifier: Apache-2.0
//
// What a person should know about what they wrote, and the ids of what this plugin finds
// (docs/reference/errors.md explains each).
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dcp::derived_dataset {

inline constexpr const char* kYaml = "PZ0101";
inline constexpr const char* kUnknownKey = "PZ0102";
inline constexpr const char* kValue = "PZ0103";
inline constexpr const char* kUnsupported = "PZ0104";
inline constexpr const char* kKind = "PZ0105";
inline constexpr const char* kName = "PZ0106";
inline constexpr const char* kSqlSource = "PZ0107";
inline constexpr const char* kColumn = "PZ0108";
inline constexpr const char* kParam = "PZ0109";
inline constexpr const char* kSqlEmpty = "PZ0110";
inline constexpr const char* kSqlUnterminated = "PZ0111";
inline constexpr const char* kSqlSeveral = "PZ0112";
inline constexpr const char* kSqlNotAQuery = "PZ0113";
inline constexpr const char* kSqlSubstitution = "PZ0114";
inline constexpr const char* kParamUndeclared = "PZ0115";
inline constexpr const char* kParamUnused = "PZ0116";
inline constexpr const char* kTable = "PZ0117";
inline constexpr const char* kDuplicate = "PZ0118";
inline constexpr const char* kCycle = "PZ0119";
inline constexpr const char* kNoManifest = "PZ0120";
inline constexpr const char* kStatusIgnored = "PZ0121";
inline constexpr const char* kChain = "PZ0122";
inline constexpr const char* kSqlTooLong = "PZ0123";
inline constexpr const char* kColumnMissing = "PZ0130";
inline constexpr const char* kColumnExtra = "PZ0131";
inline constexpr const char* kColumnType = "PZ0132";
inline constexpr const char* kColumnNullable = "PZ0133";
inline constexpr const char* kColumnCase = "PZ0134";
inline constexpr const char* kColumnOrder = "PZ0135";
inline constexpr const char* kColumnUnstorable = "PZ0136";
inline constexpr const char* kDrift = "PZ0140";
inline constexpr const char* kNotApplied = "PZ0141";
inline constexpr const char* kApplyFirst = "PZ0142";
inline constexpr const char* kSkipped = "PZ0143";
inline constexpr const char* kWrote = "PZ0150";
inline constexpr const char* kNoReceipt = "PZ0151";
inline constexpr const char* kStepFailed = "PZ0160";

/// Where something stands; lines and columns from 1, 0 is not known.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Severity { kError, kWarning, kInfo };

struct Finding {
  Severity severity = Severity::kError;
  std::string code;
  std::string message;
  std::string hint;
  Place place;
  std::string engine_code;
  std::string sql_state;
};

/// Findings of one command. Bounded: beyond it, more findings help nobody.
class Findings {
 public:
  static constexpr size_t kMax = 200;
  /// Bytes of a message or hint. Engines explain themselves within a screenful; a manifest's own
  /// words, quoted, may be megabytes.
  static constexpr size_t kTextBytesMax = 4000;
  void Add(Severity severity, const char* code, Place place, std::string message,
           std::string hint = {}) {
    Add({severity, code, std::move(message), std::move(hint), std::move(place), {}, {}});
  }
  void Error(const char* code, Place place, std::string message, std::string hint = {}) {
    Add(Severity::kError, code, std::move(place), std::move(message), std::move(hint));
  }
  void Add(Finding finding) {
    errors_ += finding.severity == Severity::kError ? 1 : 0;
    if (list_.size() >= kMax) return;
    Shorten(finding.message);
    Shorten(finding.hint);
    list_.push_back(std::move(finding));
  }
  size_t errors() const { return errors_; }
  const std::vector<Finding>& list() const { return list_; }
  /// By file, line and column; findings without a place come last.
  void Sort();

 private:
  static void Shorten(std::string& text) {
    if (text.size() <= kTextBytesMax) return;
    size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
    text.replace(end, std::string::npos, "...");
  }

  size_t errors_ = 0;
  std::vector<Finding> list_;
};

}  // namespace dcp::derived_dataset
