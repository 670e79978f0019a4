// SPDX-License-Identifier: Apache-2.0
//
// Tokens for the playground catalog: signed claims, nothing stored. A token is good for one
// playground generation, one mode and a limited time, whoever presents it; one that was made for a
// run's job only while the run lives and the job has not ended.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
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
  std::string job;     ///< of the run, which one; empty: any
};

/// [any]
class Tokens {
 public:
  explicit Tokens(Secret key);  ///< at least 32 bytes
  Secret Issue(const Claims& claims) const;
  /// UNAUTHENTICATED when malformed, forged or over, PERMISSION_DENIED when its run or job has
  /// ended; the message says which, never the token.
  Result<Claims> Verify(const std::string& token, WallMillis now) const;

  // --- which runs and jobs have ended. In memory: whoever serves tokens of an earlier process
  // first says which of their runs live.
  void RunLives(const std::string& run_id);
  void JobEnded(const std::string& run_id, const std::string& job);
  void RunEnded(const std::string& run_id);

 private:
  Status CheckRun(const Claims& claims) const;

  Secret key_;
  mutable Mutex mutex_;
  /// Runs that live, with their jobs that do not.
  std::unordered_map<std::string, std::set<std::string>> runs_ DCP_GUARDED_BY(mutex_);
};

/// The token of an Authorization header; empty when its scheme is another than Bearer, which is
/// written in upper or lower case (RFC 9110, 11.1). [any]
std::string BearerToken(std::string_view header);

}  // namespace dcp::catalog
