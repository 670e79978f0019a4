// SPDX-License-Identifier: Apache-2.0
//
// Changing and removing over the API: updates, previews of deletions, deletions again, sweeps.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "api/delete_playground.h"
#include "api/server.h"
#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using grpc::StatusCode;

class RemovalApiTest : public ::testing::Test {
 protected:
  void Start() {
    const Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    channel_ = grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
    playgrounds_ = v1::Playgrounds::NewStub(channel_);
    system_ = v1::System::NewStub(channel_);
  }
  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", "Bearer " + token);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }
  void MakePlayground(const std::string& name) {
    ASSERT_TRUE(daemon_.playgrounds->Create({"ana", "finance", "dev"}, name, 0, {}).ok());
  }

  testing::Daemon daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds_;
  std::unique_ptr<v1::System::Stub> system_;
};

TEST_F(RemovalApiTest, ADeletionIsTriedAgainHoweverOftenItFailed) {
  Start();
  MakePlayground("fin");
  v1::DeletePlaygroundRequest request;
  request.set_name("fin");
  std::set<std::string> ids;
  // More often than ListRuns answers: each try is a run of its own.
  for (int i = 0; i < kListRunsMax + 2; ++i) {
    const auto going = daemon_.playgrounds->BeginDelete({"ana", "", ""}, "fin").value();
    const auto run = StartDelete(*daemon_.store, *daemon_.runner, going);
    ASSERT_TRUE(run.ok());
    ASSERT_TRUE(ids.insert(run->id).second) << i;
    ASSERT_TRUE(daemon_.runner->Finish(run->id, store::kFailed).ok());
  }
}

TEST_F(RemovalApiTest, UpdateTellsAFieldThatIsNotThereFromAnEmptyOne) {
  Start();
  MakePlayground("fin");
  const int64_t before = daemon_.store->GetPlayground("fin")->expires_at;
  daemon_.clock.Advance(1000);
  v1::UpdatePlaygroundRequest request;
  request.set_name("fin");
  (*request.mutable_set_labels())["pr"] = "1";
  v1::Playground updated;
  ASSERT_TRUE(playgrounds_->UpdatePlayground(As("ana-token").get(), request, &updated).ok());
  EXPECT_EQ(updated.expires_at_ms(), before);
  EXPECT_EQ(updated.labels().at("pr"), "1");
  request.clear_set_labels();
  request.set_ttl_ms(0);  // given: the default, from now
  ASSERT_TRUE(playgrounds_->UpdatePlayground(As("ana-token").get(), request, &updated).ok());
  EXPECT_EQ(updated.expires_at_ms(), before + 1000);
  EXPECT_EQ(updated.labels().size(), 1U);
  request.clear_ttl_ms();
  EXPECT_EQ(playgrounds_->UpdatePlayground(As("ana-token").get(), request, &updated).error_code(),
            StatusCode::INVALID_ARGUMENT);
  request.add_remove_labels("pr");
  EXPECT_EQ(playgrounds_->UpdatePlayground(As("bo-token").get(), request, &updated).error_code(),
            StatusCode::NOT_FOUND);
  ASSERT_TRUE(playgrounds_->UpdatePlayground(As("ana-token").get(), request, &updated).ok());
  EXPECT_TRUE(updated.labels().empty());
}

TEST_F(RemovalApiTest, APreviewIsTheOwnersAndStartsNothing) {
  daemon_.deps.preview_delete = [](const store::Playground& playground) {
    DeletionPreview preview;
    preview.footprint = {{"lab.one"}, 3, 10};
    preview.datasets = {"lab.one"};
    preview.runs = {{"r1", "run", store::kRunning}};
    preview.job_folders = {{"/jobs/r1 of " + playground.name, 2, 7}};
    return Result<DeletionPreview>(preview);
  };
  Start();
  MakePlayground("fin");
  v1::PreviewDeletePlaygroundRequest request;
  request.set_name("fin");
  v1::DeletionPreview preview;
  ASSERT_TRUE(playgrounds_->PreviewDeletePlayground(As("ana-token").get(), request, &preview).ok());
  EXPECT_EQ(preview.playground().name(), "fin");
  EXPECT_EQ(preview.tables(0), "lab.one");
  EXPECT_EQ(preview.files(), 3);
  EXPECT_EQ(preview.bytes(), 10);
  EXPECT_EQ(preview.runs(0).state(), "RUNNING");
  EXPECT_EQ(preview.job_folders(0).path(), "jobs/r1 of fin") << "without the state folder";
  EXPECT_TRUE(daemon_.runner->started().empty());
  EXPECT_EQ(daemon_.store->GetPlayground("fin")->state, store::kActive);
  EXPECT_EQ(
      playgrounds_->PreviewDeletePlayground(As("bo-token").get(), request, &preview).error_code(),
      StatusCode::NOT_FOUND);
}

TEST_F(RemovalApiTest, OnlyAnOperatorSweeps) {
  std::vector<std::pair<bool, bool>> asked;
  daemon_.deps.sweep = [&](const SweepOptions& options) {
    asked.emplace_back(options.dry_run, options.unknown);
    SweepReport report;
    report.items.push_back({"job", "/jobs/r1", "REMOVED", "why", 1, 2, 3});
    report.failures = {"the overlay is down"};
    report.more = true;
    return Result<SweepReport>(report);
  };
  Start();
  v1::SweepRequest request;
  request.set_dry_run(true);
  v1::SweepResponse answer;
  EXPECT_EQ(system_->Sweep(As("ana-token").get(), request, &answer).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(asked.empty());
  ASSERT_TRUE(system_->Sweep(As("bo-token").get(), request, &answer).ok());
  request.set_dry_run(false);
  request.set_unknown(true);
  ASSERT_TRUE(system_->Sweep(As("bo-token").get(), request, &answer).ok());
  EXPECT_EQ(asked, (std::vector<std::pair<bool, bool>>{{true, false}, {false, true}}));
  EXPECT_EQ(answer.items(0).ShortDebugString(),
            R"(kind: "job" name: "/jobs/r1" action: "REMOVED" reason: "why" )"
            R"(tables: 1 files: 2 bytes: 3)");
  EXPECT_EQ(answer.failures(0), "the overlay is down");
  EXPECT_TRUE(answer.more());
}

}  // namespace
}  // namespace dcp::api
