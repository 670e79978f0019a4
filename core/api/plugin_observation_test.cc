// SPDX-License-Identifier: Apache-2.0
//
// What can be seen of plugins through the API: counters and logs. The host is the real one; its
// only instance has no file, so calls of it fail at once, and its journal is written by the test.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>

#include "api/server.h"
#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::api {
namespace {

using grpc::StatusCode;

class PluginObservationTest : public ::testing::Test {
 protected:
  void TearDown() override { daemon_.server.reset(); }  // it borrows the host
  void Start() {
    host::Settings settings;
    settings.worker_program = "/nonexistent/dcp-plugin-worker";
    host::InstanceSettings ghost;
    ghost.id = "ghost";
    ghost.plugin = "nowhere";
    settings.instances.push_back(ghost);
    auto host = host::Host::Start(std::move(settings));
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    host_ = std::move(host).value();
    daemon_.deps.host = host_.get();
    Serve();
  }
  void Serve() {
    const Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    plugins_ = v1::Plugins::NewStub(
        grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials()));
  }
  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return context;
  }
  static std::unique_ptr<grpc::ClientContext> Ana() { return As("ana-token"); }
  static std::unique_ptr<grpc::ClientContext> Bo() { return As("bo-token"); }  // an operator

  static v1::GetPluginLogsRequest LogsOf(const std::string& instance, int32_t tail = 0,
                                         bool follow = false) {
    v1::GetPluginLogsRequest request;
    request.set_instance(instance);
    request.set_tail(tail);
    request.set_follow(follow);
    return request;
  }
  /// All lines of a stream that ends, as "level source: text".
  grpc::Status Read(std::unique_ptr<grpc::ClientContext> context,
                    const v1::GetPluginLogsRequest& request, std::vector<std::string>* lines) {
    const auto stream = plugins_->GetPluginLogs(context.get(), request);
    v1::PluginLogChunk chunk;
    while (stream->Read(&chunk)) {
      for (const v1::PluginLogLine& line : chunk.lines()) {
        lines->push_back(line.level() + " " + line.source() + ": " + line.text());
        EXPECT_EQ(line.time().size(), FormatTime(0).size()) << line.time();
      }
    }
    return stream->Finish();
  }
  void Write(int from, int count) {
    const auto journal = host_->JournalOf("ghost").value();
    for (int i = from; i < from + count; ++i) {
      journal->Add(log::Level::kInfo, host::kSourceStderr, "line " + std::to_string(i));
    }
  }
  static std::string IdOf(const grpc::Status& status) {
    v1::ErrorDetails details;
    return details.ParseFromString(status.error_details()) ? details.id() : "";
  }

  testing::Daemon daemon_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<v1::Plugins::Stub> plugins_;
};

TEST_F(PluginObservationTest, BothNeedAToken) {
  Start();
  v1::GetPluginMetricsResponse metrics;
  std::vector<std::string> lines;
  for (const std::string token : {"", "wrong"}) {
    EXPECT_EQ(plugins_->GetPluginMetrics(As(token).get(), {}, &metrics).error_code(),
              StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(Read(As(token), LogsOf("ghost"), &lines).error_code(), StatusCode::UNAUTHENTICATED);
  }
  EXPECT_TRUE(lines.empty());
}

TEST_F(PluginObservationTest, MetricsAreForEverybodyAndCountCalls) {
  Start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(host_->Call("ghost", "resource", "Describe", "{}", {}).ok());
  }
  v1::GetPluginMetricsResponse metrics;
  const auto status = plugins_->GetPluginMetrics(Ana().get(), {}, &metrics);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(metrics.instances_size(), 1);
  const v1::PluginMetrics& ghost = metrics.instances(0);
  EXPECT_EQ(ghost.instance(), "ghost");
  EXPECT_EQ(ghost.plugin(), "nowhere");
  EXPECT_EQ(ghost.state(), "FAILED");
  EXPECT_EQ(ghost.calls(), 3U);
  EXPECT_EQ(ghost.errors(), 3U);
  EXPECT_EQ(ghost.open(), 0U);
  ASSERT_EQ(ghost.errors_by_code_size(), 1);
  EXPECT_EQ(ghost.errors_by_code(0).code(), "FAILED_PRECONDITION");
  EXPECT_EQ(ghost.errors_by_code(0).count(), 3U);
  ASSERT_EQ(ghost.bucket_counts_size(), ghost.bucket_seconds_size() + 1);
  EXPECT_EQ(ghost.bucket_counts(ghost.bucket_counts_size() - 1), 3U);
  for (int i = 1; i < ghost.bucket_counts_size(); ++i) {
    EXPECT_GE(ghost.bucket_counts(i), ghost.bucket_counts(i - 1)) << i;
  }
  EXPECT_EQ(ghost.rss_bytes(), 0U);
  EXPECT_FALSE(ghost.has_open_fds());
}

TEST_F(PluginObservationTest, LogsAreForOperators) {
  Start();
  std::vector<std::string> lines;
  const auto refused = Read(Ana(), LogsOf("ghost"), &lines);
  EXPECT_EQ(refused.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(IdOf(refused), "PZ0910");
  // Nor is it said whether there is such an instance.
  EXPECT_EQ(Read(Ana(), LogsOf("gost"), &lines).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(lines.empty());
  const auto status = Read(Bo(), LogsOf("ghost"), &lines);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find("error host: out of service: "), 0U) << lines[0];
}

TEST_F(PluginObservationTest, AnUnknownInstanceAndATailThatMakesNoSense) {
  Start();
  std::vector<std::string> lines;
  const auto unknown = Read(Bo(), LogsOf("gost"), &lines);
  EXPECT_EQ(unknown.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(IdOf(unknown), "PZ0909");
  v1::ErrorDetails details;
  ASSERT_TRUE(details.ParseFromString(unknown.error_details()));
  EXPECT_EQ(details.hint(), "did you mean ghost?");
  const auto negative = Read(Bo(), LogsOf("ghost", -1), &lines);
  EXPECT_EQ(negative.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(IdOf(negative), "PZ0903");
}

TEST_F(PluginObservationTest, TheTailIsTheLastLinesOverManyMessages) {
  Start();
  constexpr int kLines = 3 * static_cast<int>(kPluginLogLinesMax) + 1;
  Write(0, kLines);
  std::vector<std::string> lines;
  ASSERT_TRUE(Read(Bo(), LogsOf("ghost", kLines), &lines).ok());
  ASSERT_EQ(lines.size(), static_cast<size_t>(kLines));
  EXPECT_EQ(lines.front(), "info stderr: line 0");
  EXPECT_EQ(lines.back(), "info stderr: line " + std::to_string(kLines - 1));
  lines.clear();
  ASSERT_TRUE(Read(Bo(), LogsOf("ghost", 2), &lines).ok());
  EXPECT_EQ(lines.size(), 2U);
  lines.clear();
  ASSERT_TRUE(Read(Bo(), LogsOf("ghost"), &lines).ok());
  EXPECT_EQ(lines.size(), static_cast<size_t>(kLines) + 1);
}

TEST_F(PluginObservationTest, AFollowerGetsWhatComesAndADrainEndsIt) {
  Start();
  auto context = Bo();
  const auto stream = plugins_->GetPluginLogs(context.get(), LogsOf("ghost", 1, true));
  v1::PluginLogChunk chunk;
  ASSERT_TRUE(stream->Read(&chunk));  // what was there
  Write(0, 2);
  std::vector<std::string> texts;
  while (texts.size() < 2 && stream->Read(&chunk)) {
    for (const v1::PluginLogLine& line : chunk.lines()) texts.push_back(line.text());
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"line 0", "line 1"}));
  auto drained =
      std::async(std::launch::async, [&] { daemon_.server->Drain(60'000, [] { return false; }); });
  EXPECT_FALSE(stream->Read(&chunk));
  const grpc::Status ended = stream->Finish();
  EXPECT_EQ(ended.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(IdOf(ended), "PZ0908");
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(PluginObservationTest, WithoutAHostBothSaySo) {
  Serve();
  v1::GetPluginMetricsResponse metrics;
  std::vector<std::string> lines;
  EXPECT_EQ(plugins_->GetPluginMetrics(Ana().get(), {}, &metrics).error_code(),
            StatusCode::UNAVAILABLE);
  EXPECT_EQ(Read(Bo(), LogsOf("ghost"), &lines).error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace dcp::api
