// SPDX-License-Identifier: Apache-2.0
//
// The peer in C++: the synchronous API of gRPC over a Unix socket, server and client two processes.
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/grpcpp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "echo.grpc.pb.h"
#include "plugin_call/measure.h"

namespace dcp::bench {
namespace {

using google::protobuf::BytesValue;

class EchoService final : public pretzel::bench::Echo::Service {
  grpc::Status Echo(grpc::ServerContext* /*context*/, const BytesValue* request,
                    BytesValue* response) override {
    response->set_value(request->value());
    return grpc::Status::OK;
  }
};

/// In a process of its own, made before gRPC has a thread.
[[noreturn]] void Serve(const std::string& address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  EchoService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) _exit(1);
  server->Wait();
  _exit(0);
}

int Run() {
  const std::string path = "/tmp/pretzel-bench-grpc-" + std::to_string(getpid()) + ".sock";
  const std::string address = "unix:" + path;
  const pid_t server = fork();
  if (server == 0) Serve(address);
  const auto stub = pretzel::bench::Echo::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  bool failed = false;
  const auto call = [&](const BytesValue& request) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    BytesValue response;
    const grpc::Status status = stub->Echo(&context, request, &response);
    if (!status.ok() || response.value().size() != request.value().size()) failed = true;
  };
  for (const size_t bytes : kSizes) {
    BytesValue request;
    request.set_value(std::string(bytes, 'x'));
    for (size_t i = 0; i < kWarmUp && !failed; ++i) call(request);
    Samples samples;
    for (size_t i = 0; i < CallsOf(bytes) && !failed; ++i) samples.Time([&] { call(request); });
    samples.Print("grpc_cpp", bytes);
  }
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  unlink(path.c_str());
  if (failed) std::fputs("bench_grpc_echo: a call failed\n", stderr);
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace dcp::bench

int main() { return dcp::bench::Run(); }
