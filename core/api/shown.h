// SPDX-License-Identifier: Apache-2.0
//
// What of the daemon's own parts is told to whom. Reasons of their failures hold paths, ends of
// logs and, in those, other people's names and statements: operators see them, everybody else sees
// that a part has failed and who can help.
#pragma once

#include <string>

#include "base/redaction.h"
#include "os/supervisor.h"
#include "playground/playgrounds.h"

namespace dcp::api {

inline constexpr char kForOperators[] = "why is told to the operators of this daemon";

/// A part's reason as `who` may see it; a part without one has none for anybody.
inline std::string ReasonFor(const playground::Principal& who, const std::string& reason) {
  return who.is_operator || reason.empty() ? Redact(reason) : kForOperators;
}

/// The same of a service, with the end of its log.
inline std::string ReasonFor(const playground::Principal& who, const os::ServiceState& service) {
  const bool logged = !service.log_tail.empty() && !service.detail.empty();
  return ReasonFor(who, service.detail + (logged ? "; " + service.log_tail : ""));
}

/// A failure as an operator sees it: with the end of the log that explains it.
inline Status ForOperator(const Status& failure) {
  if (failure.ok() || failure.log_tail().empty()) return failure;
  return Status(failure.code(), failure.message() + "; its last words: " + failure.log_tail())
      .WithId(failure.id())
      .WithHint(failure.hint())
      .At(failure.location());
}

}  // namespace dcp::api
