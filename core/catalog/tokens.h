// SPDX-License-Identifier: Apache-2.0
//
// Tokens for the playground catalog: signed claims, nothing stored. A token is good for one
// playground generation, one mode and a limited time, whoever presents it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace dcp::catalog {

struct Claims {
  std::string user;
  std::string playground;
  int64_t generation = 0;
  std::string mode;  ///< "ro" or "rw"
  WallMillis expires_at = 0;
  std::string run_id;  ///< for jobs; empty otherwise
};

/// [any]
class Tokens {
 public:
  explicit Tokens(Secret key);  ///< at least 32 bytes
  Secret Issue(const Claims& claims) const;
  /// UNAUTHENTICATED when malformed, forged or over; the message says which, never the token.
  Result<Claims> Verify(const std::string& token, WallMillis now) const;

 private:
  Secret key_;
};

/// The token of an Authorization header; empty when its scheme is another than Bearer, which is
/// written in upper or lower case (RFC 9110, 11.1). [any]
std::string BearerToken(std::string_view header);

}  // namespace dcp::catalog
