// SPDX-License-Identifier: Apache-2.0
//
// What one principal may have at once, over the real server: the rest is the others'.
#include "api/shares.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using grpc::StatusCode;

class SharesTest : public ::testing::Test {
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
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }
  static void ExpectNotNow(const grpc::Status& status, const std::string& words) {
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_NE(status.error_message().find(words), std::string::npos) << status.error_message();
    v1::ErrorDetails details;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_EQ(details.id(), "PZ0911");
    EXPECT_NE(details.hint().find("_per_principal"), std::string::npos) << details.hint();
  }

  testing::Daemon daemon_;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds_;
  std::unique_ptr<v1::Runs::Stub> runs_;
  std::unique_ptr<v1::System::Stub> system_;
};

TEST_F(SharesTest, CallsOfOneAreNotEverybodys) {
  daemon_.settings.calls_per_principal = 2;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> at_work = 0;
  daemon_.deps.doctor = [&](const playground::Principal&,
                            const store::Playground*) -> Result<std::vector<DoctorCheck>> {
    ++at_work;
    released.wait();
    return std::vector<DoctorCheck>{};
  };
  Start();
  std::vector<std::jthread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      v1::DoctorResponse answer;
      EXPECT_TRUE(system_->Doctor(As("ana-token").get(), {}, &answer).ok());
    });
  }
  while (at_work < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  v1::WhoAmIResponse who;
  ExpectNotNow(system_->WhoAmI(As("ana-token").get(), {}, &who),
               "you have 2 calls under way, the most at a time");
  EXPECT_TRUE(system_->WhoAmI(As("bo-token").get(), {}, &who).ok());
  release.set_value();
  callers.clear();
  EXPECT_TRUE(system_->WhoAmI(As("ana-token").get(), {}, &who).ok()) << "places are given back";
}

TEST_F(SharesTest, StreamsOfOneAreNotEverybodys) {
  daemon_.settings.streams_per_principal = 1;
  std::atomic<int> watching = 0;
  daemon_.runner->on_subscribe = [&] { ++watching; };
  Start();
  const auto make = [&](const std::string& token, const std::string& playground) {
    v1::CreatePlaygroundRequest create;
    create.set_name(playground);
    v1::Playground made;
    EXPECT_TRUE(playgrounds_->CreatePlayground(As(token).get(), create, &made).ok());
    v1::StartRunRequest start;
    start.set_playground(playground);
    start.set_command("test");
    start.add_manifests()->set_path("B.yaml");
    v1::Run run;
    EXPECT_TRUE(runs_->StartRun(As(token).get(), start, &run).ok());
    v1::WatchRunRequest watch;
    watch.set_id(run.id());
    return watch;
  };
  const auto own = make("ana-token", "anas");
  const auto other = make("bo-token", "bos");
  const auto end_of = [&](const std::string& token, const v1::WatchRunRequest& request) {
    const auto context = As(token);
    const auto stream = runs_->WatchRun(context.get(), request);
    v1::RunEvent event;
    while (stream->Read(&event)) {
    }
    return stream->Finish();
  };
  auto context = As("ana-token");
  auto stream = runs_->WatchRun(context.get(), own);
  while (watching < 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ExpectNotNow(end_of("ana-token", own), "you have 1 streams open, the most at a time");
  EXPECT_TRUE(daemon_.runner->Finish(other.id(), store::kSucceeded).ok());
  EXPECT_TRUE(end_of("bo-token", other).ok());
  EXPECT_TRUE(daemon_.runner->Finish(own.id(), store::kSucceeded).ok());
  v1::RunEvent event;
  while (stream->Read(&event)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  grpc::Status again;
  for (int i = 0; i < 200 && !(again = end_of("ana-token", own)).ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(again.ok()) << again.error_message();
}

TEST(SharesCountTest, PlacesAreCountedForEachAndGivenBackWithTheLastCopy) {
  auto shares = std::make_unique<Shares>("things", "a.setting");
  auto first = shares->Take("ana", 1).value();
  auto copy = first;
  first.reset();
  EXPECT_FALSE(shares->Take("ana", 1).ok());
  EXPECT_TRUE(shares->Take("bo", 1).ok());
  copy.reset();
  auto late = shares->Take("ana", 1).value();
  shares.reset();
  late.reset();  // after what it was taken from
}

}  // namespace
}  // namespace dcp::api
