// SPDX-License-Identifier: Apache-2.0
//
// The one error type of the project. A Status says what failed, on what, why, and what to do:
// a canonical code for programs, a stable id for documentation, a message, the place in a file a
// person wrote, and a hint. No exceptions of our own; a library's exception becomes a Status in
// the .cc that called the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dcp {

/// The seventeen canonical codes; the numbers are those of gRPC and of the plugin ABI.
enum class Code : int32_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// Upper-case name as in the plugin ABI and the API ("NOT_FOUND"); "UNKNOWN" for any other number.
std::string_view CodeName(Code code);
/// Any number outside 0..16 reads as kUnknown.
Code CodeFromInt(int64_t number);
/// The inverse of CodeName; kUnknown for any other text.
Code CodeFromName(std::string_view name);

/// A place in something a person wrote. Lines and columns count from 1; 0 means "not known".
struct Location {
  std::string file;
  int32_t line = 0;
  int32_t column = 0;

  bool Known() const { return !file.empty() || line > 0; }
  /// "file:line:column", leaving out what is not known.
  std::string ToString() const;
  friend bool operator==(const Location&, const Location&) = default;
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  /// Stable id such as "PZ0203"; empty when the failure has none.
  const std::string& id() const { return id_; }
  const Location& location() const { return location_; }
  const std::string& hint() const { return hint_; }
  /// The end of a log that explains the failure. A log holds what was other people's, so this is
  /// for the daemon's log and its operators, and in no answer to anybody else.
  const std::string& log_tail() const { return log_tail_; }

  /// Chainable setters: `return NotFound("no such table").WithId("PZ0401").WithHint("...");`
  Status WithId(std::string id) &&;
  Status WithHint(std::string hint) &&;
  Status At(Location location) &&;
  Status WithLogTail(std::string tail) &&;
  /// Puts "context: " before the message; no effect on an OK status.
  Status With(std::string_view context) &&;
  Status With(std::string_view context) const&;

  /// "location: CODE [id]: message; its last words: ... (hint: ...)", for logs, operators and
  /// tests.
  std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
  std::string id_;
  std::string hint_;
  std::string log_tail_;
  Location location_;
};

// Short constructors, one per code that we raise ourselves.
Status Cancelled(std::string message);
Status InvalidArgument(std::string message);
Status DeadlineExceeded(std::string message);
Status NotFound(std::string message);
Status AlreadyExists(std::string message);
Status PermissionDenied(std::string message);
Status ResourceExhausted(std::string message);
Status FailedPrecondition(std::string message);
Status Aborted(std::string message);
Status Unimplemented(std::string message);
Status Internal(std::string message);
Status Unavailable(std::string message);
Status DataLoss(std::string message);
Status Unauthenticated(std::string message);

/// errno as a Status: "<what>: <strerror>" with the nearest canonical code.
Status FromErrno(int error_number, std::string_view what);

/// Ends the process with a message: for faults of our own code only, never for outside input.
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);

}  // namespace dcp

#define DCP_CHECK(expression) \
  ((expression) ? void(0) : ::dcp::CheckFailed(#expression, __FILE__, __LINE__))
