// SPDX-License-Identifier: Apache-2.0
//
// Previews that end otherwise than with rows, against the fake server: see fake_server.h.
#include <dcp/contract/v1/test_backend.pb.h>
#include <gtest/gtest.h>

#include <thread>

#include "analyzer.h"
#include "fake_server.h"

namespace dcp::spark_connect {
namespace {

namespace v1 = ::dcp::contract::v1;

/// Far more than any of these needs, for a loaded machine.
constexpr int64_t kPatienceMs = 60'000;

class Previewing : public ::testing::Test {
 protected:
  Previewing() {
    Settings settings;
    settings.endpoint = server_.endpoint();
    analyzer_ = std::make_unique<Analyzer>(settings);
    request_.set_sql("SELECT 1 AS one");
    request_.set_rows_max(10);
    request_.set_bytes_max(1000);
    auto* mount = request_.add_mounts();
    mount->set_name("prod");
    mount->set_uri("http://127.0.0.1:9");
    mount->set_session_key("k");
  }
  sdk::Outcome<bool> Ask(CallScope& scope) {
    return analyzer_->Preview(
        request_, scope, [](const std::string&) {}, &response_);
  }

  FakeServer server_;
  std::unique_ptr<Analyzer> analyzer_;
  v1::PreviewRequest request_;
  v1::PreviewResponse response_;
};

TEST_F(Previewing, ItsTimeEndsTheQueryInTheServer) {
  request_.set_timeout_ms(3'000);  // long for the analysis, short for a test
  CallScope scope(kPatienceMs);
  const auto outcome = Ask(scope);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_DEADLINE_EXCEEDED);
  EXPECT_EQ(outcome.error().id, "PZ0247");
  EXPECT_EQ(server_.WaitInterrupted(), server_.operation());
}

TEST_F(Previewing, ACancellationEndsTheQueryInTheServer) {
  CallScope scope(kPatienceMs);
  std::thread canceller([&] {
    server_.WaitHeld(1);
    scope.Cancel();
  });
  const auto outcome = Ask(scope);
  canceller.join();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, DCP_CANCELLED);
  EXPECT_EQ(server_.WaitInterrupted(), server_.operation());
  server_.WaitCancelled(1);
}

TEST_F(Previewing, WhatIsNoArrowEndsTheCallAndTheQuery) {
  server_.set_arrow("this is no stream of Arrow's");
  CallScope scope(kPatienceMs);
  const auto outcome = Ask(scope);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().id, "PZ0248");
  EXPECT_EQ(server_.WaitInterrupted(), server_.operation());
}

TEST_F(Previewing, ARefusedQueryIsNotSent) {
  request_.set_sql("DROP TABLE prod.nyc.flights");
  CallScope scope(kPatienceMs);
  ASSERT_TRUE(Ask(scope).ok());
  EXPECT_FALSE(response_.valid());
  EXPECT_EQ(response_.findings(0).code(), "PZ0203");
  EXPECT_EQ(server_.questions(), 0U);
  EXPECT_EQ(server_.operation(), "");
}

TEST_F(Previewing, LimitsOfTheLimits) {
  const auto good = [this](int32_t rows, int64_t bytes) {
    request_.set_rows_max(rows);
    request_.set_bytes_max(bytes);
    request_.set_sql("");  // a finding, where the limits are good
    CallScope scope(kPatienceMs);
    response_.Clear();
    return Ask(scope).ok();
  };
  EXPECT_TRUE(good(1, 1));
  EXPECT_TRUE(good(kPreviewRowsMax, kPreviewBytesMax));
  EXPECT_FALSE(good(0, 1));
  EXPECT_FALSE(good(kPreviewRowsMax + 1, 1));
  EXPECT_FALSE(good(1, 0));
  EXPECT_FALSE(good(1, kPreviewBytesMax + 1));
}

}  // namespace
}  // namespace dcp::spark_connect
