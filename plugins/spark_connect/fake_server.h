// SPDX-License-Identifier: Apache-2.0
//
// A fake Spark Connect server, in this process, for what a real one cannot be made to do: be of
// an old version, or take a question and never answer. Everything else is tested with Spark.
#pragma once

#include <grpcpp/grpcpp.h>
#include <spark/connect/base.grpc.pb.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dcp::spark_connect {

class FakeServer : public ::spark::connect::SparkConnectService::CallbackService {
 public:
  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() override { server_->Shutdown(); }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

  // Set before the first call.
  void set_version(std::string version) { version_ = std::move(version); }
  void set_silent(bool silent) {
    const std::lock_guard lock(mutex_);
    silent_ = silent;
  }

  // Each waits until so many have come.
  void WaitHeld(size_t count) {
    Wait([this, count] { return held_ >= count; });
  }
  void WaitCancelled(size_t count) {
    Wait([this, count] { return cancelled_ >= count; });
  }
  /// The operation that was to be interrupted, once one was.
  std::string WaitInterrupted() {
    Wait([this] { return !interrupted_.empty(); });
    const std::lock_guard lock(mutex_);
    return interrupted_;
  }
  std::string operation() const {
    const std::lock_guard lock(mutex_);
    return operation_;
  }
  /// Executed queries answer this, and go on until they are cancelled; "" answers nothing at all.
  void set_arrow(std::string arrow) {
    const std::lock_guard lock(mutex_);
    arrow_ = std::move(arrow);
  }
  std::vector<std::string> WaitReleased(size_t count) {
    Wait([this, count] { return released_.size() >= count; });
    const std::lock_guard lock(mutex_);
    return released_;
  }
  size_t questions() const {
    const std::lock_guard lock(mutex_);
    return questions_;
  }
  // Sessions in the order in which they were configured.
  std::vector<std::string> opened() const {
    const std::lock_guard lock(mutex_);
    return opened_;
  }

  grpc::ServerUnaryReactor* AnalyzePlan(grpc::CallbackServerContext* context,
                                        const ::spark::connect::AnalyzePlanRequest* request,
                                        ::spark::connect::AnalyzePlanResponse* response) override {
    const std::lock_guard lock(mutex_);
    response->set_server_side_session_id("fake");
    if (request->has_spark_version()) {
      response->mutable_spark_version()->set_version(version_);
    } else {
      ++questions_;
      if (silent_) {
        ++held_;
        changed_.notify_all();
        return new Held(*this);
      }
      if (request->has_explain()) response->mutable_explain()->set_explain_string("");
      if (request->has_schema()) {
        auto* field = response->mutable_schema()->mutable_schema()->mutable_struct_()->add_fields();
        field->set_name("one");
        field->mutable_data_type()->mutable_integer();
      }
    }
    return Done(context);
  }

  grpc::ServerUnaryReactor* Config(grpc::CallbackServerContext* context,
                                   const ::spark::connect::ConfigRequest* request,
                                   ::spark::connect::ConfigResponse* response) override {
    const std::lock_guard lock(mutex_);
    response->set_server_side_session_id("fake");
    opened_.push_back(request->session_id());
    return Done(context);
  }

  grpc::ServerWriteReactor<::spark::connect::ExecutePlanResponse>* ExecutePlan(
      grpc::CallbackServerContext* /*context*/,
      const ::spark::connect::ExecutePlanRequest* request) override {
    const std::lock_guard lock(mutex_);
    operation_ = request->operation_id();
    ++held_;
    changed_.notify_all();
    return new Rows(*this, arrow_);
  }

  grpc::ServerUnaryReactor* Interrupt(grpc::CallbackServerContext* context,
                                      const ::spark::connect::InterruptRequest* request,
                                      ::spark::connect::InterruptResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    interrupted_ = request->operation_id();
    changed_.notify_all();
    return Done(context);
  }

  grpc::ServerUnaryReactor* ReleaseSession(
      grpc::CallbackServerContext* context, const ::spark::connect::ReleaseSessionRequest* request,
      ::spark::connect::ReleaseSessionResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    released_.push_back(request->session_id());
    changed_.notify_all();
    return Done(context);
  }

 private:
  // Answers only when nobody listens any more.
  class Held : public grpc::ServerUnaryReactor {
   public:
    explicit Held(FakeServer& server) : server_(server) {}
    void OnCancel() override {
      {
        const std::lock_guard lock(server_.mutex_);
        ++server_.cancelled_;
        server_.changed_.notify_all();
      }
      Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }  // NOLINT: gRPC's way of owning a reactor

   private:
    FakeServer& server_;
  };

  class Rows : public grpc::ServerWriteReactor<::spark::connect::ExecutePlanResponse> {
   public:
    Rows(FakeServer& server, const std::string& arrow) : server_(server) {
      if (arrow.empty()) return;
      response_.mutable_arrow_batch()->set_data(arrow);
      StartWrite(&response_);
    }
    void OnCancel() override {
      {
        const std::lock_guard lock(server_.mutex_);
        ++server_.cancelled_;
        server_.changed_.notify_all();
      }
      Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }  // NOLINT: gRPC's way of owning a reactor

   private:
    FakeServer& server_;
    ::spark::connect::ExecutePlanResponse response_;
  };

  static grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* context) {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  void Wait(const std::function<bool()>& ready) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, ready);
  }

  std::string version_ = "4.1.2";
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool silent_ = false;
  std::string arrow_;
  std::string operation_;
  std::string interrupted_;
  size_t questions_ = 0;
  size_t held_ = 0;
  size_t cancelled_ = 0;
  std::vector<std::string> opened_;
  std::vector<std::string> released_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace dcp::spark_connect
