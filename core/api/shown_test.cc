// SPDX-License-Identifier: Apache-2.0
//
// Who is told what of the daemon's own parts. Every call that answers with it is asked by a user
// and by an operator; the parts' reasons hold a marker, as they would hold other people's
// statements.
#include "api/shown.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "api/testing/fixture.h"
#include "dcp/v1/dcp.grpc.pb.h"
#include "dcp/v1/plugins.grpc.pb.h"

namespace dcp::api {
namespace {

constexpr char kMarker[] = "of-another-person";

class ShownTest : public ::testing::Test {
 protected:
  ShownTest() {
    host::Settings settings;
    settings.worker_program = "/nonexistent/dcp-plugin-worker";
    settings.directories = {std::string("/nonexistent/") + kMarker};
    host::InstanceSettings ghost;
    ghost.id = "ghost";
    ghost.plugin = "nowhere";
    settings.instances.push_back(ghost);
    host_ = host::Host::Start(std::move(settings)).value();
    daemon_.deps.host = host_.get();
    daemon_.deps.status = [this] {
      os::ServiceState failed;
      failed.name = "spark-connect";
      failed.state = "FAILED";
      failed.detail = std::string("ended with exit code 1 in /state/") + kMarker;
      failed.log_tail = std::string("the end of /state/log/spark.log:\nSELECT ") + kMarker;
      os::ServiceState well;
      well.name = "overlay-catalog";
      well.state = "READY";
      return SystemState{{failed, well}, host_->States(), "http://127.0.0.1:1/pg/<playground>"};
    };
    daemon_.deps.doctor = [](const playground::Principal&, const store::Playground*) {
      return Result<std::vector<DoctorCheck>>({
          {"service spark-connect", "set-up", "FAILED", std::string("FAILED: SELECT ") + kMarker,
           ""},
          {"service overlay-catalog", "set-up", "OK", "READY", ""},
          {"plan inspection", "gateway", "MISSING", "no gateway: stands before it", ""},
      });
    };
    EXPECT_TRUE(daemon_.Start().ok());
    channel_ = grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
    system_ = v1::System::NewStub(channel_);
    plugins_ = v1::Plugins::NewStub(channel_);
  }
  ~ShownTest() override { daemon_.server.reset(); }  // it borrows the host

  /// Everything that a call answers to that token's bearer, its failure included.
  template <typename Request, typename Response, typename Call>
  std::string Ask(const std::string& token, Call call, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::Status status = call(&context, request, response);
    return response->DebugString() + status.error_message() + status.error_details();
  }
  /// By the call's name.
  std::map<std::string, std::string> Everything(const std::string& token) {
    v1::GetStatusResponse status;
    v1::DoctorResponse doctor;
    v1::ListPluginsResponse list;
    v1::Plugin plugin;
    v1::DescribePluginResponse description;
    v1::GetPluginRequest get;
    v1::DescribePluginRequest describe;
    std::map<std::string, std::string> all;
    all["GetStatus"] = Ask(
        token, [&](auto* c, auto& q, auto* a) { return system_->GetStatus(c, q, a); },
        v1::GetStatusRequest(), &status);
    all["Doctor"] = Ask(
        token, [&](auto* c, auto& q, auto* a) { return system_->Doctor(c, q, a); },
        v1::DoctorRequest(), &doctor);
    all["ListPlugins"] = Ask(
        token, [&](auto* c, auto& q, auto* a) { return plugins_->ListPlugins(c, q, a); },
        v1::ListPluginsRequest(), &list);
    for (const char* name : {"ghost", "nowhere", "missing"}) {
      get.set_name(name);
      describe.set_name(name);
      all[std::string("GetPlugin ") + name] = Ask(
          token, [&](auto* c, auto& q, auto* a) { return plugins_->GetPlugin(c, q, a); }, get,
          &plugin);
      all[std::string("DescribePlugin ") + name] = Ask(
          token, [&](auto* c, auto& q, auto* a) { return plugins_->DescribePlugin(c, q, a); },
          describe, &description);
    }
    return all;
  }

  testing::Daemon daemon_;
  std::unique_ptr<host::Host> host_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::System::Stub> system_;
  std::unique_ptr<v1::Plugins::Stub> plugins_;
};

TEST_F(ShownTest, ReasonsPathsAndLogsAreForOperators) {
  for (const auto& [call, answer] : Everything("ana-token")) {
    EXPECT_EQ(answer.find(kMarker), std::string::npos) << call << ": " << answer;
    EXPECT_EQ(answer.find("/nonexistent"), std::string::npos) << call << ": " << answer;
    EXPECT_EQ(answer.find("/state"), std::string::npos) << call << ": " << answer;
  }
  // So that the above cannot be true of empty answers: an operator is told in each of them.
  for (const auto& [call, answer] : Everything("bo-token")) {
    EXPECT_NE(answer.find(kMarker), std::string::npos) << call << ": " << answer;
  }
}

TEST_F(ShownTest, AUserSeesThatAPartFailedAndWhoKnowsWhy) {
  const auto seen = Everything("ana-token");
  EXPECT_NE(seen.at("GetStatus").find(R"(state: "FAILED")"), std::string::npos);
  EXPECT_NE(seen.at("GetStatus").find(kForOperators), std::string::npos);
  EXPECT_NE(seen.at("Doctor").find(std::string("FAILED: ") + kForOperators), std::string::npos);
  EXPECT_NE(seen.at("Doctor").find("no gateway: stands before it"), std::string::npos);
  EXPECT_NE(seen.at("GetPlugin missing").find("no plugin or instance \"missing\""),
            std::string::npos);
}

}  // namespace
}  // namespace dcp::api
