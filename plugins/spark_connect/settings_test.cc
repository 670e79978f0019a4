// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <gtest/gtest.h>

namespace dcp::spark_connect {
namespace {

TEST(Settings, ReadsAllKeys) {
  const auto got = ParseSettings(
      R"({"endpoint":"127.0.0.1:7","token":"t","sessionsMax":4,"sessionIdleMs":5,"defaultTimeoutMs":6})");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().endpoint, "127.0.0.1:7");
  EXPECT_EQ(got.value().sessions_max, 4);
  EXPECT_EQ(got.value().default_timeout_ms, 6);
}

TEST(Settings, NamesAnUnknownKey) {
  const auto got = ParseSettings(R"({"endpont":"127.0.0.1:7"})");
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message.find("'endpont'"), std::string::npos);
  EXPECT_EQ(got.error().hint, "did you mean 'endpoint'?");
}

TEST(Settings, RefuseWrongValues) {
  for (const char* json :
       {"", "[]", "{", R"({"endpoint":1})", R"({"endpoint":"host"})", R"({"endpoint":"h:0"})",
        R"({"sessionsMax":3})", R"({"sessionsMax":1001})", R"({"sessionIdleMs":0})",
        R"({"defaultTimeoutMs":3600001})", R"({"tls":"yes"})", R"({"token":""})"}) {
    EXPECT_FALSE(ParseSettings(json).ok()) << json;
  }
}

TEST(Settings, ATokenNeverCrossesTheNetworkInClear) {
  EXPECT_FALSE(ParseSettings(R"({"endpoint":"spark.example:1","token":"secret-1"})").ok());
  EXPECT_FALSE(ParseSettings(R"({"endpoint":"127.example.org:1","token":"secret-1"})").ok());
  EXPECT_TRUE(
      ParseSettings(R"({"endpoint":"spark.example:1","token":"secret-1","tls":true})").ok());
  const auto got = ParseSettings(R"({"endpoint":"10.0.0.1:1","token":"secret-1"})");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message.find("secret-1"), std::string::npos);
}

}  // namespace
}  // namespace dcp::spark_connect
