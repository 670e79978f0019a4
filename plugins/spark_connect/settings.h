// SPDX-License-Identifier: Apache-2.0
//
// The plugin's configuration, checked strictly: an unknown key is an error that names it.
#pragma once

#include <dcp/sdk/plugin.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace dcp::spark_connect {

/// Sessions on the server at most; each holds catalogs and a class loader there.
constexpr int64_t kSessionsDefault = 64;
constexpr int64_t kSessionsMin = 4;  // as many as calls run at once
constexpr int64_t kSessionsMax = 1000;
/// An idle session goes before the server's own ten minutes.
constexpr int64_t kSessionIdleMsDefault = 5 * 60'000;
/// A call without a deadline of its own.
constexpr int64_t kTimeoutMsDefault = 60'000;
/// One hour: beyond it a number is a slip, and arithmetic on it would overflow.
constexpr int64_t kDurationMsMax = 3'600'000;

struct Settings {
  std::string endpoint = "127.0.0.1:15002";
  std::string token;  ///< secret: pre-shared bearer token; never logged
  bool tls = false;
  int64_t sessions_max = kSessionsDefault;
  int64_t session_idle_ms = kSessionIdleMsDefault;
  int64_t default_timeout_ms = kTimeoutMsDefault;
};

/// [any]
sdk::Outcome<Settings> ParseSettings(std::string_view json);

/// Whether "host:port" is this machine and nobody else hears what is sent. [any]
bool IsLoopback(std::string_view endpoint);

}  // namespace dcp::spark_connect
