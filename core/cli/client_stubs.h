// SPDX-License-Identifier: Apache-2.0
//
// What the client's files share: the stubs, and one unary call. Internal to the room.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "cli/client.h"
#include "dcp/v1/dcp.grpc.pb.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::cli {

/// Puts the token and the deadline (0: none) on a call.
void Prepare(grpc::ClientContext& context, const Secret& token, int64_t timeout_ms);

struct Client::Stubs {
  std::string endpoint;
  Secret token;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds;
  std::unique_ptr<v1::Runs::Stub> runs;
  std::unique_ptr<v1::System::Stub> system;
  std::unique_ptr<v1::Plugins::Stub> plugins;

  template <class Stub, class Request, class Response>
  Result<Response> Call(Stub& stub,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const Request& request, int64_t timeout_ms = kCallTimeoutMs) const {
    grpc::ClientContext context;
    Prepare(context, token, timeout_ms);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status, endpoint);
    return response;
  }
};

}  // namespace dcp::cli
