// SPDX-License-Identifier: Apache-2.0
#include "daemon/failed_parts.h"

#include <string>
#include <utility>

namespace dcp::daemon {
namespace {

/// Whether `text` holds the address and not merely one that begins like it.
bool Names(const std::string& text, const std::string& endpoint) {
  if (endpoint.empty()) return false;
  for (size_t at = text.find(endpoint); at != text.npos; at = text.find(endpoint, at + 1)) {
    const size_t end = at + endpoint.size();
    if (end == text.size() || text[end] < '0' || text[end] > '9') return true;
  }
  return false;
}

}  // namespace

Status NameFailedService(Status failure, const std::vector<os::ServiceState>& services) {
  if (failure.ok()) return failure;
  for (const os::ServiceState& service : services) {
    if (service.state == "READY" || !Names(failure.message(), service.endpoint)) continue;
    if (service.state != "FAILED") {
      return std::move(failure).WithHint("service " + service.name + " is " + service.state +
                                         ": try again when `pretzel status` shows it READY");
    }
    return Status(failure.code(), failure.message() + "; service " + service.name +
                                      " has FAILED: " + service.detail)
        .WithId(failure.id())
        .WithLogTail(service.log_tail)
        .WithHint("mend the reason that `pretzel status` shows, then `pretzel service restart " +
                  service.name + "`");
  }
  return failure;
}

}  // namespace dcp::daemon
