// SPDX-License-Identifier: Apache-2.0
//
// Plugins' counters for Prometheus, over HTTP on loopback. Loopback alone would show names and
// numbers to every user of the machine, so a scrape needs a password as well.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "host/host.h"

namespace dcp::daemon {

inline constexpr char kMetricsPath[] = "/metrics";
/// For HTTP's basic authentication, which wants one.
inline constexpr char kMetricsUser[] = "pretzel";

/// OK for "127.0.0.1:PORT", and for an empty text: it goes without TLS.
Status CheckMetricsAddress(const std::string& address);

class MetricsEndpoint {
 public:
  /// Listens when it returns; port 0 is any free one. UNAVAILABLE when the port is taken. `host`
  /// must outlive it.
  static Result<std::unique_ptr<MetricsEndpoint>> Start(const std::string& address, Secret password,
                                                        const std::string& version,
                                                        const host::Host& host);
  virtual ~MetricsEndpoint() = default;  ///< Waits for the scrape that runs.

  virtual int port() const = 0;
  /// "http://127.0.0.1:PORT/metrics".
  virtual std::string address() const = 0;
};

}  // namespace dcp::daemon
