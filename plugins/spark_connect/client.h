// SPDX-License-Identifier: Apache-2.0
//
// The RPCs of Spark Connect that we use, on one channel. A server that is starting or restarting
// is waited for; everything else is the caller's to judge.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "call_scope.h"
#include "settings.h"

namespace spark::connect {
class AnalyzePlanRequest;
class AnalyzePlanResponse;
class ConfigRequest;
class ConfigResponse;
class ExecutePlanRequest;
class FetchErrorDetailsRequest;
class FetchErrorDetailsResponse;
class InterruptRequest;
class ReleaseSessionRequest;
class ReleaseSessionResponse;
}  // namespace spark::connect

namespace dcp::spark_connect {

/// How long a call waits for a server that refuses connections: a restart takes about this long,
/// and a person would rather know after that.
constexpr int64_t kUnavailableMaxMs = 10'000;
constexpr int64_t kConnectMs = 5'000;  ///< for one attempt
constexpr int64_t kBackoffFirstMs = 100;
constexpr int64_t kBackoffMaxMs = 1'000;
/// One message in either direction: plans of wide tables reach some MiB, batches of rows four; one
/// row may be larger, and is not worth a worker's memory.
constexpr int kRpcBytesMax = 32 << 20;
/// Response metadata: error details travel there.
constexpr int kRpcMetadataBytesMax = 64 << 10;

/// A failed RPC. `details` is the trailer grpc-status-details-bin.
struct RpcFailure {
  int code = 0;
  std::string message;
  std::string details;
};

class Client {
 public:
  explicit Client(const Settings& settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// [any] Each blocks until done, cancelled or past the scope's deadline; nullopt is success.
  using Failure = std::optional<RpcFailure>;
  Failure Analyze(const spark::connect::AnalyzePlanRequest& request,
                  spark::connect::AnalyzePlanResponse* response, CallScope& scope);
  Failure Config(const spark::connect::ConfigRequest& request,
                 spark::connect::ConfigResponse* response, CallScope& scope);
  Failure ErrorDetails(const spark::connect::FetchErrorDetailsRequest& request,
                       spark::connect::FetchErrorDetailsResponse* response, CallScope& scope);
  /// Gives each Arrow stream of the result to `take` until that answers false, which is success.
  /// Not retried: the caller knows what it has taken.
  Failure Execute(const spark::connect::ExecutePlanRequest& request,
                  const std::function<bool(const std::string& arrow)>& take, CallScope& scope);
  /// Not retried: a query of a server that is gone has ended.
  Failure Interrupt(const spark::connect::InterruptRequest& request, CallScope& scope);
  /// Not retried: a server that is gone has no session to release.
  Failure Release(const spark::connect::ReleaseSessionRequest& request, CallScope& scope);

  const std::string& endpoint() const { return settings_.endpoint; }

  /// The failure as the call's error, for codes that say that the engine could not be asked.
  sdk::Error ToError(const RpcFailure& failure) const;

 private:
  struct Channel;
  const Settings settings_;
  const std::unique_ptr<Channel> channel_;
};

}  // namespace dcp::spark_connect
