// SPDX-License-Identifier: Apache-2.0
//
// Lists come in pages and streams in pieces: an answer does not grow with what lies behind it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

using ::testing::HasSubstr;

class PagesTest : public ::testing::Test {
 protected:
  PagesTest() {
    EXPECT_TRUE(daemon_.Start().ok());
    const auto channel = grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
    runs_ = v1::Runs::NewStub(channel);
    playgrounds_ = v1::Playgrounds::NewStub(channel);
    system_ = v1::System::NewStub(channel);
  }

  static std::unique_ptr<grpc::ClientContext> As(const std::string& user) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", "Bearer " + user + "-token");
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return context;
  }
  std::string Start(const std::string& user, int nodes = 1) {
    graph::StartRequest request;
    request.principal = user;
    request.command = "test";
    request.playground = "pg";
    for (int i = 0; i < nodes; ++i) {
      graph::NodeSpec node;
      node.id = "n" + std::to_string(i);
      node.capability = "run_backend";
      request.nodes.push_back(node);
    }
    return daemon_.runner->Start(request).value().id;
  }
  grpc::Status List(const std::string& user, const std::string& token, int limit,
                    v1::ListRunsResponse* answer) {
    v1::ListRunsRequest request;
    request.set_page_token(token);
    request.set_limit(limit);
    return runs_->ListRuns(As(user).get(), request, answer);
  }

  testing::Daemon daemon_;
  std::unique_ptr<v1::Runs::Stub> runs_;
  std::unique_ptr<v1::Playgrounds::Stub> playgrounds_;
  std::unique_ptr<v1::System::Stub> system_;
};

TEST_F(PagesTest, RunsArePagedAndHoldNoReports) {
  std::vector<std::string> started;
  for (int i = 0; i < 5; ++i) {
    started.insert(started.begin(), Start("ana"));
    Start("bo");
    ASSERT_TRUE(daemon_.runner->Finish(started.front(), store::kSucceeded, R"({"kind":"R"})").ok());
  }
  std::vector<std::string> listed;
  std::string token;
  do {
    v1::ListRunsResponse page;
    ASSERT_TRUE(List("ana", token, 2, &page).ok());
    EXPECT_LE(page.runs_size(), 2);
    for (const v1::Run& run : page.runs()) {
      listed.push_back(run.id());
      EXPECT_FALSE(run.has_report());
      EXPECT_EQ(run.nodes_size(), 0);
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_EQ(listed, started);
}

TEST_F(PagesTest, SomebodyElsesRunIsNoPageToken) {
  const std::string foreign = Start("bo");
  v1::ListRunsResponse page;
  const auto of_foreign = List("ana", foreign, 0, &page);
  const auto of_nothing = List("ana", "r0000000000000000", 0, &page);
  EXPECT_EQ(of_foreign.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(of_foreign.error_message(), of_nothing.error_message());
  EXPECT_THAT(of_foreign.error_message(), HasSubstr("page_token"));
}

TEST_F(PagesTest, PlaygroundsArePaged) {
  const playground::Principal ana{"ana", "", ""};
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(daemon_.playgrounds->Create(ana, name, 0, {}).ok());
  }
  std::string names;
  v1::ListPlaygroundsRequest request;
  request.set_limit(2);
  for (int pages = 0; pages < 2; ++pages) {
    v1::ListPlaygroundsResponse page;
    ASSERT_TRUE(playgrounds_->ListPlaygrounds(As("ana").get(), request, &page).ok());
    for (const auto& one : page.playgrounds()) names += one.name();
    request.set_page_token(page.next_page_token());
    EXPECT_EQ(page.next_page_token(), pages == 0 ? "b" : "");
  }
  EXPECT_EQ(names, "abc");
}

TEST_F(PagesTest, ALongHistoryIsWatchedToItsEnd) {
  const std::string run = Start("ana");
  const int moves = 2 * graph::kEventsMax + 7;
  store::RunChange change;
  for (int i = 0; i < moves; ++i) {
    change.transitions.push_back({run, 0, "n0", 1, store::kPending, store::kPending, ""});
  }
  ASSERT_TRUE(daemon_.store->ChangeRun(run, change).ok());
  ASSERT_TRUE(daemon_.runner->Finish(run, store::kSucceeded, R"({"kind":"R"})").ok());
  v1::WatchRunRequest request;
  request.set_id(run);
  const auto context = As("ana");
  const auto stream = runs_->WatchRun(context.get(), request);
  int64_t last = 0;
  int events = 0;
  v1::RunEvent event;
  bool ended = false;
  while (stream->Read(&event)) {
    EXPECT_FALSE(ended) << "nothing follows the end";
    ended = event.has_run();
    if (ended) break;
    EXPECT_EQ(event.sequence(), ++last);
    ++events;
  }
  EXPECT_TRUE(ended);
  EXPECT_TRUE(event.run().has_report());
  EXPECT_EQ(events, moves + 2) << "its beginning and its end are among them";
}

TEST_F(PagesTest, LogsOfManyJobsComeWhole) {
  constexpr int kJobs = 40;
  const std::string run = Start("ana", kJobs);
  for (int i = 0; i < kJobs; ++i) {
    const std::string node = "n" + std::to_string(i);
    const std::string folder = daemon_.folder + "/jobs/" + run + "/" + node;
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/output") << "of " << node << std::string(kLogChunkBytes, '.') << "\n";
    daemon_.runner->job_directories[node] = folder;
  }
  v1::GetRunLogsRequest request;
  request.set_id(run);
  const auto context = As("ana");
  const auto stream = runs_->GetRunLogs(context.get(), request);
  std::map<std::string, size_t> bytes;
  v1::LogChunk chunk;
  while (stream->Read(&chunk)) bytes[chunk.node_id()] += chunk.data().size();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(bytes.size(), size_t{kJobs});
  for (const auto& [node, size] : bytes) {
    EXPECT_EQ(size, 3 + node.size() + kLogChunkBytes + 1) << node;
  }
}

TEST_F(PagesTest, OnlyAnOperatorRemovesOldRuns) {
  daemon_.server.reset();
  daemon_.deps.gc = [](const GcOptions& options) {
    GcReport report;
    report.runs = options.dry_run ? 7 : 3;
    report.bytes = 100;
    report.failures = {"run r1: a process of it still runs"};
    return Result<GcReport>(report);
  };
  ASSERT_TRUE(daemon_.Start().ok());
  v1::GcRequest request;
  v1::GcResponse answer;
  EXPECT_EQ(system_->Gc(As("ana").get(), request, &answer).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(system_->Gc(As("bo").get(), request, &answer).ok());
  EXPECT_EQ(answer.runs(), 3);
  EXPECT_EQ(answer.failures_size(), 1);
  request.set_dry_run(true);
  ASSERT_TRUE(system_->Gc(As("bo").get(), request, &answer).ok());
  EXPECT_EQ(answer.runs(), 7);
}

}  // namespace
}  // namespace dcp::api
