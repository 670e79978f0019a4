// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <spark/connect/base.grpc.pb.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "liveness.h"

namespace dcp::spark_connect {

namespace sc = ::spark::connect;

namespace {

constexpr char kNobodysSession[] = "00000000-0000-0000-0000-000000000000";
constexpr char kStreamRemoved[] = "Stream removed";

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kRpcBytesMax);
  arguments.SetMaxSendMessageSize(kRpcBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kRpcMetadataBytesMax);
  // Ours is the retry; gRPC's own back-off would reach two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, static_cast<int>(kBackoffFirstMs));
  // In spite of its name it bounds one attempt to connect, with its TLS handshake.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(kConnectMs));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(kBackoffMaxMs));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Each channel has a connection of its own: a new one must not be given the old one's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // As often as a stock server permits. It also sets the patience with packets that nobody
  // confirms.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAlivePatienceMs);
  return arguments;
}

std::shared_ptr<grpc::Channel> Connect(const Settings& settings) {
  auto credentials = settings.tls ? grpc::SslCredentials(grpc::SslCredentialsOptions())
                                  : grpc::InsecureChannelCredentials();
  return grpc::CreateCustomChannel(settings.endpoint, credentials, Arguments());
}

/// gRPC ends its threads and closes their descriptors behind the last channel's back, and later; a
/// plugin must leave nothing behind once destroy() has returned.
class LibraryUse {
 public:
  LibraryUse() { grpc_init(); }
  LibraryUse(const LibraryUse&) = delete;
  LibraryUse& operator=(const LibraryUse&) = delete;
  ~LibraryUse() { grpc_shutdown_blocking(); }
};

}  // namespace

struct Client::Channel {
  using Stub = sc::SparkConnectService::Stub;

  explicit Channel(const Settings& with)
      : settings(with), liveness([this] { return Reachable(); }) {
    if (!settings.token.empty()) authorization = "Bearer " + settings.token;
    Renew();
  }

  /// Whether a new connection is answered on: to give back a session that nobody has does nothing.
  bool Reachable() const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kConnectMs));
    context.set_wait_for_ready(true);
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    sc::ReleaseSessionRequest request;
    request.set_session_id(kNobodysSession);
    request.mutable_user_context()->set_user_id("pretzel");
    request.set_allow_reconnect(true);  // or the server remembers that it was closed
    sc::ReleaseSessionResponse response;
    const auto stub_of_its_own = sc::SparkConnectService::NewStub(Connect(settings));
    const auto code = stub_of_its_own->ReleaseSession(&context, request, &response).error_code();
    return code != grpc::StatusCode::DEADLINE_EXCEEDED && code != grpc::StatusCode::UNAVAILABLE;
  }
  std::shared_ptr<Stub> Current() const {
    const std::lock_guard lock(mutex);
    return stub;
  }
  /// Calls to come get a new connection.
  void Renew() {
    std::shared_ptr<Stub> made = sc::SparkConnectService::NewStub(Connect(settings));
    const std::lock_guard lock(mutex);
    stub = std::move(made);
  }

  const LibraryUse library;  // outlives all below
  const Settings& settings;
  std::string authorization;
  mutable std::mutex mutex;
  std::shared_ptr<Stub> stub;
  Liveness liveness;

  // One attempt. `rpc` is called with a stub and the prepared context.
  template <typename Rpc>
  Failure Once(CallScope& scope, const Rpc& rpc) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(scope.RemainingMs()));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const CallScope::Guard guard(scope, [&context] { context.TryCancel(); });
    const std::shared_ptr<Stub> used = Current();
    const Liveness::Watch watch(liveness, [&context] { context.TryCancel(); });
    const grpc::Status status = rpc(*used, &context);
    if (status.ok()) return std::nullopt;
    if (watch.lost()) {
      if (used == Current()) Renew();
      return RpcFailure{DCP_UNAVAILABLE, "it took the call, and now answers nobody", ""};
    }
    // So says gRPC itself when what came back was no answer at all.
    const bool torn = status.error_code() == grpc::StatusCode::UNKNOWN &&
                      status.error_message() == kStreamRemoved;
    return RpcFailure{torn ? DCP_UNAVAILABLE : static_cast<int>(status.error_code()),
                      torn ? "what it sends is no answer" : status.error_message(),
                      status.error_details()};
  }

  // Attempts until the answer is another than UNAVAILABLE, or patience ends.
  template <typename Rpc>
  Failure Retry(CallScope& scope, const Rpc& rpc) {
    const auto start = CallScope::Clock::now();
    int64_t wait_ms = kBackoffFirstMs;
    for (;;) {
      Failure failure = Once(scope, rpc);
      if (!failure || failure->code != DCP_UNAVAILABLE) return failure;
      const auto spent =
          std::chrono::duration_cast<std::chrono::milliseconds>(CallScope::Clock::now() - start);
      const int64_t left = std::min(kUnavailableMaxMs - spent.count(), scope.RemainingMs());
      if (left <= wait_ms || !scope.Wait(std::chrono::milliseconds(wait_ms))) return failure;
      wait_ms = std::min(wait_ms * 2, kBackoffMaxMs);
    }
  }
};

Client::Client(const Settings& settings)
    : settings_(settings), channel_(std::make_unique<Channel>(settings_)) {}

Client::~Client() = default;

Client::Failure Client::Analyze(const sc::AnalyzePlanRequest& request,
                                sc::AnalyzePlanResponse* response, CallScope& scope) {
  return channel_->Retry(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    return stub.AnalyzePlan(context, request, response);
  });
}

Client::Failure Client::Config(const sc::ConfigRequest& request, sc::ConfigResponse* response,
                               CallScope& scope) {
  return channel_->Retry(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    return stub.Config(context, request, response);
  });
}

Client::Failure Client::ErrorDetails(const sc::FetchErrorDetailsRequest& request,
                                     sc::FetchErrorDetailsResponse* response, CallScope& scope) {
  return channel_->Once(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    return stub.FetchErrorDetails(context, request, response);
  });
}

Client::Failure Client::Execute(const sc::ExecutePlanRequest& request,
                                const std::function<bool(const std::string&)>& take,
                                CallScope& scope) {
  bool enough = false;
  Failure failure = channel_->Once(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    const auto reader = stub.ExecutePlan(context, request);
    sc::ExecutePlanResponse response;
    while (!enough && reader->Read(&response)) {
      enough = response.has_arrow_batch() && !take(response.arrow_batch().data());
    }
    if (enough) {
      context->TryCancel();
      while (reader->Read(&response)) {  // gRPC wants the stream read to its end
      }
    }
    return reader->Finish();
  });
  return enough ? std::nullopt : failure;
}

Client::Failure Client::Interrupt(const sc::InterruptRequest& request, CallScope& scope) {
  return channel_->Once(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    sc::InterruptResponse response;
    return stub.Interrupt(context, request, &response);
  });
}

Client::Failure Client::Release(const sc::ReleaseSessionRequest& request, CallScope& scope) {
  return channel_->Once(scope, [&](Channel::Stub& stub, grpc::ClientContext* context) {
    sc::ReleaseSessionResponse response;
    return stub.ReleaseSession(context, request, &response);
  });
}

sdk::Error Client::ToError(const RpcFailure& failure) const {
  sdk::Error error;
  error.code = failure.code;
  const std::string server = "Spark Connect at " + settings_.endpoint;
  switch (failure.code) {
    case DCP_UNAVAILABLE:
      error.id = "PZ0240";
      error.message = server + " cannot be reached: " + failure.message.substr(0, 300);
      error.hint =
          "start the test server (scripts/stack up), or correct 'endpoint' in the "
          "configuration of spark_connect";
      break;
    case DCP_UNAUTHENTICATED:
    case DCP_PERMISSION_DENIED:
      error.id = "PZ0241";
      error.message = server + " refuses our token";
      error.hint =
          "set 'token' in the configuration of spark_connect to the server's "
          "pre-shared token";
      break;
    case DCP_DEADLINE_EXCEEDED:
      error.id = "PZ0242";
      error.message = server + " did not answer before the deadline";
      error.hint = "try again, or allow more time";
      break;
    case DCP_CANCELLED:
      error.message = "the analysis was cancelled";
      break;
    default:
      error.id = "PZ0243";
      error.message = server + " failed: " + failure.message.substr(0, 300);
      error.hint = "read the server's log";
  }
  return error;
}

}  // namespace dcp::spark_connect
