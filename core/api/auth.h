// SPDX-License-Identifier: Apache-2.0
//
// Who may call. The principals file has one JSON object a line:
//   {"user":"ana","team":"finance","environment":"dev","token_sha256":"<64 hex digits>"}
// so a second principal is a second line. "role":"operator" lets one do what concerns everybody's.
// Tokens themselves are not in it. Empty lines and lines that start with '#' are skipped.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "playground/playgrounds.h"

namespace dcp::api {

/// Lines of the file. Each call compares with every one, in constant time.
constexpr size_t kPrincipalsMax = 1000;

class Principals {
 public:
  /// Reads `path`. On the first start (no such file) makes one entry for this Unix user, an
  /// operator, and writes its new random token into `token_path`, both 0600. FAILED_PRECONDITION
  /// when group or others may read or write the file; INVALID_ARGUMENT with file:line for a line
  /// that is wrong.
  static Result<Principals> LoadOrCreate(const std::string& path, const std::string& token_path);
  /// The same from text; `name` is for messages.
  static Result<Principals> Parse(std::string_view text, const std::string& name);

  /// `header` is the value of `authorization`. UNAUTHENTICATED says what to do, never the token.
  Result<playground::Principal> Authenticate(std::string_view header) const;
  size_t size() const { return entries_.size(); }

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Entry {
    playground::Principal who;
    Digest digest{};
  };
  static Digest Sha256(std::string_view text);
  static Result<Entry> ParseLine(const std::string& line, const Location& at);

  std::vector<Entry> entries_;
};

}  // namespace dcp::api
