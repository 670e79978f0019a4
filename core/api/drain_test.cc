// SPDX-License-Identifier: Apache-2.0
//
// How the API ends, and how its daemon's parts are started anew.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "api/server.h"
#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using grpc::StatusCode;

constexpr int64_t kLongMs = 60'000;  // longer than any test may take

class DrainTest : public ::testing::Test {
 protected:
  void Start() {
    const Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    const auto channel = grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
    playgrounds_ = v1::Playgrounds::NewStub(channel);
    runs_ = v1::Runs::NewStub(channel);
    system_ = v1::System::NewStub(channel);
  }
  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", "Bearer " + token);
    return context;
  }
  static std::unique_ptr<grpc::ClientContext> Ana() { return As("ana-token"); }
  static std::unique_ptr<grpc::ClientContext> Bo() { return As("bo-token"); }  // an operator
  /// A run, watched.
  void Watch() {
    v1::CreatePlaygroundRequest playground;
    playground.set_name("fin");
    v1::Playground made;
    ASSERT_TRUE(playgrounds_->CreatePlayground(Ana().get(), playground, &made).ok());
    v1::StartRunRequest start;
    start.set_playground("fin");
    start.set_command("test");
    start.add_manifests()->set_path("B.yaml");
    v1::Run run;
    ASSERT_TRUE(runs_->StartRun(Ana().get(), start, &run).ok());
    run_id_ = run.id();
    v1::WatchRunRequest request;
    request.set_id(run_id_);
    context_ = Ana();
    watch_ = runs_->WatchRun(context_.get(), request);
    v1::RunEvent event;
    ASSERT_TRUE(watch_->Read(&event));
  }
  grpc::Status WhoAmI() {
    v1::WhoAmIResponse who;
    return system_->WhoAmI(Ana().get(), {}, &who);
  }
  /// Blocks until the drain has begun: from then on calls are refused.
  void AwaitRefusal() {
    while (WhoAmI().ok()) std::this_thread::yield();
  }

  testing::Daemon daemon_;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds_;
  std::unique_ptr<v1::Runs::Stub> runs_;
  std::unique_ptr<v1::System::Stub> system_;
  std::string run_id_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::RunEvent>> watch_;
};

TEST_F(DrainTest, RefusesNewCallsWithAdviceAndLetsAWatchSeeItsEnd) {
  Start();
  Watch();
  auto drained =
      std::async(std::launch::async, [&] { daemon_.server->Drain(kLongMs, [] { return false; }); });
  AwaitRefusal();
  const grpc::Status refused = WhoAmI();
  EXPECT_EQ(refused.error_code(), StatusCode::UNAVAILABLE);
  v1::ErrorDetails details;
  ASSERT_TRUE(details.ParseFromString(refused.error_details()));
  EXPECT_EQ(details.id(), "PZ0908");
  EXPECT_NE(details.hint().find("try again"), std::string::npos) << details.hint();
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  ASSERT_TRUE(daemon_.runner->SetNode(run_id_, "compile", store::kSucceeded).ok());
  ASSERT_TRUE(daemon_.runner->Finish(run_id_, store::kSucceeded, R"({"kind":"TestReport"})").ok());
  v1::RunEvent event;
  while (watch_->Read(&event)) {
  }
  EXPECT_TRUE(watch_->Finish().ok());
  EXPECT_EQ(event.run().state(), "SUCCEEDED");
  drained.get();
}

TEST_F(DrainTest, IsBoundedByItsTimeAndByWhoIsInAHurry) {
  Start();
  Watch();
  daemon_.server->Drain(0, [] { return false; });  // returns although somebody watches
  std::atomic<bool> hurry = false;
  auto drained = std::async(std::launch::async,
                            [&] { daemon_.server->Drain(kLongMs, [&] { return hurry.load(); }); });
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  hurry = true;
  drained.get();
  daemon_.server->Shutdown(0);
  v1::RunEvent event;
  while (watch_->Read(&event)) {
  }
  EXPECT_FALSE(watch_->Finish().ok());
}

TEST_F(DrainTest, ARestartGoesToTheDaemon) {
  std::string asked;
  daemon_.deps.restart = [&](const std::string& name) {
    asked = name;
    return name == "spark" ? Status() : NotFound("no such part").WithId("PZ0909");
  };
  Start();
  v1::RestartServiceRequest request;
  v1::RestartServiceResponse response;
  request.set_name("spark");
  EXPECT_EQ(system_->RestartService(Ana().get(), request, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(asked, "");
  EXPECT_TRUE(system_->RestartService(Bo().get(), request, &response).ok());
  EXPECT_EQ(asked, "spark");
  request.set_name("sparc");
  const auto status = system_->RestartService(Bo().get(), request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  asked.clear();
  grpc::ClientContext stranger;
  EXPECT_EQ(system_->RestartService(&stranger, request, &response).error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(asked, "");
}

}  // namespace
}  // namespace dcp::api
