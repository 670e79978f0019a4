// SPDX-License-Identifier: Apache-2.0
//
// Calls that end otherwise than with an answer, against the fake server: see fake_server.h.
#include "analyzer.h"

#include <dcp/contract/v1/test_backend.pb.h>
#include <gtest/gtest.h>

#include <thread>

#include "fake_server.h"
#include "mounting.h"

extern "C" {
extern const unsigned char dcp_manifest_data[];
const unsigned char dcp_manifest_data[] = {'{', '}'};
extern const size_t dcp_manifest_size;
const size_t dcp_manifest_size = 2;
const dcp_plugin_api* dcp_plugin_v1(void);
}

// The host's call, opaque to the plugin.
struct dcp_call {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool cancelled = false;
  dcp_code code = -1;
};

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

/// Far more than any of these needs, for a loaded machine.
constexpr int64_t kPatienceMs = 60'000;

v1::AnalyzeRequest Question(const std::string& key) {
  v1::AnalyzeRequest request;
  request.set_sql("SELECT 1 AS one");
  request.set_mode(v1::EXPLAIN);
  auto* mount = request.add_mounts();
  mount->set_name("prod");
  mount->set_uri("http://127.0.0.1:9");
  mount->set_token("t");
  mount->set_session_key(key);
  return request;
}

class Analysis : public ::testing::Test {
 protected:
  Analyzer& analyzer() {
    if (!analyzer_) {
      Settings settings;
      settings.endpoint = server_.endpoint();
      settings.sessions_max = kSessionsMin;
      analyzer_ = std::make_unique<Analyzer>(settings);
    }
    return *analyzer_;
  }
  sdk::Outcome<bool> Ask(const std::string& key, CallScope& scope) {
    response_.Clear();
    return analyzer().Analyze(
        Question(key), scope, [](const std::string&) {}, &response_);
  }
  void AskWell(const std::string& key) {
    CallScope scope(kPatienceMs);
    const auto outcome = Ask(key, scope);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    ASSERT_TRUE(response_.valid());
  }

  FakeServer server_;
  std::unique_ptr<Analyzer> analyzer_;
  v1::AnalyzeResponse response_;
};

TEST_F(Analysis, AServerBefore41IsAskedNothing) {
  server_.set_version("4.0.3");
  CallScope scope(kPatienceMs);
  const auto outcome = Ask("k", scope);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_FAILED_PRECONDITION);
  EXPECT_EQ(outcome.error().id, "PZ0245");
  EXPECT_NE(outcome.error().message.find("4.0.3"), std::string::npos);
  EXPECT_EQ(server_.questions(), 0U);
  EXPECT_EQ(server_.WaitReleased(1), server_.opened());
}

TEST_F(Analysis, VersionsAreCompared) {
  for (const char* good : {"4.1.0", "4.1.2", "4.2.0-SNAPSHOT", "5.0.0"}) {
    EXPECT_FALSE(CheckVersion(good, "h:1")) << good;
  }
  for (const char* bad : {"3.5.9", "4.0.4", "", "x", "41"}) {
    EXPECT_TRUE(CheckVersion(bad, "h:1")) << bad;
  }
}

TEST_F(Analysis, ASilentServerEndsAtTheDeadline) {
  AskWell("k");
  server_.set_silent(true);
  CallScope scope(20);
  const auto outcome = Ask("k", scope);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_DEADLINE_EXCEEDED);
  EXPECT_EQ(outcome.error().id, "PZ0242");
  EXPECT_EQ(scope.RemainingMs(), 0);
}

TEST_F(Analysis, CancellingEndsBothQuestionsAndKeepsTheSession) {
  AskWell("k");
  server_.set_silent(true);
  CallScope scope(kPatienceMs);
  std::thread canceller([&] {
    server_.WaitHeld(2);
    scope.Cancel();
  });
  const auto outcome = Ask("k", scope);
  canceller.join();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_CANCELLED);
  server_.WaitCancelled(2);  // the server stops working, too
  server_.set_silent(false);
  AskWell("k");
  EXPECT_TRUE(response_.session_reused());
}

TEST_F(Analysis, ACancelledCallAsksNothing) {
  CallScope scope(kPatienceMs);
  scope.Cancel();
  const auto outcome = Ask("k", scope);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_CANCELLED);
  EXPECT_EQ(server_.questions(), 0U);
}

TEST_F(Analysis, SessionsAreCountedAndTheOldestReleased) {
  for (int64_t i = 0; i < kSessionsMin; ++i) AskWell("key" + std::to_string(i));
  EXPECT_EQ(response_.sessions_opened(), kSessionsMin);
  AskWell("key0");
  EXPECT_EQ(response_.sessions_opened(), kSessionsMin);
  AskWell("another");
  EXPECT_EQ(response_.sessions_opened(), kSessionsMin + 1);
  EXPECT_EQ(server_.WaitReleased(1).size(), 1U);
  analyzer_.reset();
  EXPECT_EQ(server_.WaitReleased(server_.opened().size()).size(), server_.opened().size());
}

// The whole way of a cancellation: the host's table, the SDK, the plugin, the RPC.
TEST_F(Analysis, TheHostsCancelReachesTheServer) {
  dcp_host_api host{};
  host.struct_size = DCP_HOST_API_MIN;
  host.log = [](dcp_host*, dcp_level, dcp_call*, dcp_bytes) {};
  host.cancelled = [](dcp_call* call) -> int32_t {
    const std::lock_guard lock(call->mutex);
    return call->cancelled ? 1 : 0;
  };
  host.deadline_ns = [](dcp_call*) -> int64_t { return 0; };
  host.emit = [](dcp_call*, dcp_event, dcp_bytes) -> dcp_code { return DCP_OK; };
  host.complete = [](dcp_call* call, dcp_code code, dcp_bytes) {
    const std::lock_guard lock(call->mutex);
    call->code = code;
    call->done = true;
    call->changed.notify_all();
  };
  host.set_error = [](dcp_host*, dcp_code, dcp_bytes) {};
  host.extension = [](dcp_host*, const char*) -> const void* { return nullptr; };

  server_.set_silent(true);
  const dcp_plugin_api* api = dcp_plugin_v1();
  dcp_instance* instance = nullptr;
  const std::string config = R"({"endpoint": ")" + server_.endpoint() + R"("})";
  ASSERT_EQ(api->create(&host, sdk::View(config), &instance), DCP_OK);
  const std::string body = Question("k").SerializeAsString();
  dcp_call call;
  ASSERT_EQ(api->invoke(instance, &call, sdk::View("Analyze"), sdk::View(body)), DCP_OK);
  server_.WaitHeld(2);
  {
    const std::lock_guard lock(call.mutex);
    call.cancelled = true;
  }
  api->cancel(instance, &call);
  server_.WaitCancelled(2);
  {
    std::unique_lock lock(call.mutex);
    call.changed.wait(lock, [&call] { return call.done; });
    EXPECT_EQ(call.code, DCP_CANCELLED);
  }
  api->destroy(instance);
}

}  // namespace
}  // namespace dcp::spark_connect
