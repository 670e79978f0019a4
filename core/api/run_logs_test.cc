// SPDX-License-Identifier: Apache-2.0
//
// What a job can do to the reader of its logs, and what its logs must not show.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "api/testing/fixture.h"
#include "base/redaction.h"
#include "dcp/v1/dcp.grpc.pb.h"

namespace dcp::api {
namespace {

class RunLogsTest : public ::testing::Test {
 protected:
  RunLogsTest() {
    EXPECT_TRUE(daemon_.Start().ok());
    runs_ = v1::Runs::NewStub(
        grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials()));
    graph::StartRequest request;
    request.principal = "ana";
    request.command = "run";
    graph::NodeSpec node;
    node.id = "job";
    node.capability = "run_backend";
    request.nodes.push_back(node);
    run_ = daemon_.runner->Start(request).value().id;
    folder_ = daemon_.folder + "/jobs/" + run_ + "/job";
    std::filesystem::create_directories(folder_);
    daemon_.runner->job_directories["job"] = folder_;
    Write(Outside(), "of-the-daemon");
  }
  std::string Outside() const { return daemon_.folder + "/outside"; }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  /// All that the log says, its failure included.
  std::string Read() {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer ana-token");
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::GetRunLogsRequest request;
    request.set_id(run_);
    const auto stream = runs_->GetRunLogs(&context, request);
    std::string text;
    v1::LogChunk chunk;
    while (stream->Read(&chunk)) text += chunk.data();
    status_ = stream->Finish();
    return text + status_.error_message();
  }

  testing::Daemon daemon_;
  std::unique_ptr<v1::Runs::Stub> runs_;
  std::string run_;
  std::string folder_;
  grpc::Status status_;
};

TEST_F(RunLogsTest, AJobCannotShowAnotherFileAsItsLog) {
  Write(folder_ + "/stdout", "hello");
  EXPECT_EQ(Read(), "hello");
  for (const char* stream : {"stdout", "stderr", "output"}) {
    const std::string path = folder_ + "/" + stream;
    ::unlink(path.c_str());
    ASSERT_EQ(::symlink(Outside().c_str(), path.c_str()), 0);
    EXPECT_EQ(Read().find("of-the-daemon"), std::string::npos) << stream;
    EXPECT_EQ(status_.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status_.error_message();
    ::unlink(path.c_str());
    ASSERT_EQ(::link(Outside().c_str(), path.c_str()), 0);
    EXPECT_EQ(Read().find("of-the-daemon"), std::string::npos) << stream;
    ::unlink(path.c_str());
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_NE(Read().find("not a plain file"), std::string::npos) << "it waits for no writer";
    ::unlink(path.c_str());
  }
  // Nor another folder as its own.
  for (const std::string& replaced : {folder_, daemon_.folder + "/jobs/" + run_}) {
    std::filesystem::remove_all(replaced);
    const std::string other = daemon_.folder + "/other";
    std::filesystem::create_directories(other + "/job");
    Write(other + "/stdout", "of-the-daemon");
    Write(other + "/job/stdout", "of-the-daemon");
    ASSERT_EQ(::symlink(other.c_str(), replaced.c_str()), 0);
    EXPECT_EQ(Read().find("of-the-daemon"), std::string::npos) << replaced;
    EXPECT_FALSE(status_.ok());
  }
}

TEST_F(RunLogsTest, SecretsAreTakenOutAlsoBetweenTwoPieces) {
  const std::string secret(40, 'S');
  Conceal(Secret(secret));
  for (size_t before = kLogChunkBytes - 45; before < kLogChunkBytes + 2; before += 3) {
    const std::string text = std::string(before, '.') + secret + " end";
    Write(folder_ + "/stdout", text);
    EXPECT_EQ(Read(), std::string(before, '.') + "(secret) end");
  }
  // One that may go on, and does not.
  Write(folder_ + "/stdout", "half: " + secret.substr(20));
  EXPECT_EQ(Read(), "half: " + secret.substr(20));
}

}  // namespace
}  // namespace dcp::api
