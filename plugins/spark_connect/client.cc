// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <grpcpp/grpcpp.h>
#include <spark/connect/base.grpc.pb.h>

#include <algorithm>
#include <map>

namespace dcp::spark_connect {

namespace sc = ::spark::connect;

struct Client::Channel {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<sc::SparkConnectService::Stub> stub;
  std::string authorization;

  // One attempt. `rpc` is called with the prepared context.
  template <typename Rpc>
  Failure Once(CallScope& scope, const Rpc& rpc) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(scope.RemainingMs()));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const CallScope::Guard guard(scope, [&context] { context.TryCancel(); });
    const grpc::Status status = rpc(&context);
    if (status.ok()) return std::nullopt;
    return RpcFailure{static_cast<int>(status.error_code()), status.error_message(),
                      status.error_details()};
  }

  // Attempts until the answer is another than UNAVAILABLE, or patience ends.
  template <typename Rpc>
  Failure Retry(CallScope& scope, const Rpc& rpc) const {
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
    : settings_(settings), channel_(std::make_unique<Channel>()) {
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
  auto credentials = settings_.tls ? grpc::SslCredentials(grpc::SslCredentialsOptions())
                                   : grpc::InsecureChannelCredentials();
  channel_->channel = grpc::CreateCustomChannel(settings_.endpoint, credentials, arguments);
  channel_->stub = sc::SparkConnectService::NewStub(channel_->channel);
  if (!settings_.token.empty()) channel_->authorization = "Bearer " + settings_.token;
}

Client::~Client() = default;

Client::Failure Client::Analyze(const sc::AnalyzePlanRequest& request,
                                sc::AnalyzePlanResponse* response, CallScope& scope) {
  return channel_->Retry(scope, [&](grpc::ClientContext* context) {
    return channel_->stub->AnalyzePlan(context, request, response);
  });
}

Client::Failure Client::Config(const sc::ConfigRequest& request, sc::ConfigResponse* response,
                               CallScope& scope) {
  return channel_->Retry(scope, [&](grpc::ClientContext* context) {
    return channel_->stub->Config(context, request, response);
  });
}

Client::Failure Client::ErrorDetails(const sc::FetchErrorDetailsRequest& request,
                                     sc::FetchErrorDetailsResponse* response, CallScope& scope) {
  return channel_->Once(scope, [&](grpc::ClientContext* context) {
    return channel_->stub->FetchErrorDetails(context, request, response);
  });
}

Client::Failure Client::Execute(const sc::ExecutePlanRequest& request,
                                const std::function<bool(const std::string&)>& take,
                                CallScope& scope) {
  bool enough = false;
  Failure failure = channel_->Once(scope, [&](grpc::ClientContext* context) {
    const auto reader = channel_->stub->ExecutePlan(context, request);
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
  return channel_->Once(scope, [&](grpc::ClientContext* context) {
    sc::InterruptResponse response;
    return channel_->stub->Interrupt(context, request, &response);
  });
}

Client::Failure Client::Release(const sc::ReleaseSessionRequest& request, CallScope& scope) {
  return channel_->Once(scope, [&](grpc::ClientContext* context) {
    sc::ReleaseSessionResponse response;
    return channel_->stub->ReleaseSession(context, request, &response);
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
