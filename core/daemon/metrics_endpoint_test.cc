// SPDX-License-Identifier: Apache-2.0
//
// The endpoint over real HTTP, in front of a real host whose only instance has no file. That the
// text is Prometheus' own format, tests/integration/plugin_observation_test.py asks its parser.
#include "daemon/metrics_endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace dcp::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kGood[] = "Authorization: Basic cHJldHplbDpodXNo\r\n";  // pretzel:hush

class MetricsEndpointTest : public testing::Test {
 protected:
  void SetUp() override {
    host::Settings settings;
    settings.worker_program = "/nonexistent/dcp-plugin-worker";
    settings.instances.resize(1);
    settings.instances[0].id = "ghost";
    settings.instances[0].plugin = "no\"where\\";
    host_ = host::Host::Start(std::move(settings)).value();
    endpoint_ = MetricsEndpoint::Start("127.0.0.1:0", Secret("hush"), "1.2.3", *host_).value();
  }

  /// Sends the text as it is; answers all that comes back.
  std::string Talk(const std::string& text) const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(endpoint_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      close(fd);
      return "no connection";
    }
    EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
    close(fd);
    return answer;
  }
  std::string Get(const std::string& path, const std::string& headers,
                  const std::string& method = "GET") const {
    return Talk(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
                "Connection: close\r\n\r\n");
  }

  std::unique_ptr<host::Host> host_;
  std::unique_ptr<MetricsEndpoint> endpoint_;
};

TEST_F(MetricsEndpointTest, AScrapeShowsEveryInstance) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(host_->Call("ghost", "resource", "Describe", "{}", {}).ok());
  }
  const std::string text = Get("/metrics", kGood);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK"));
  const std::string labels = R"(plugin_instance="ghost",plugin="no\"where\\")";
  EXPECT_THAT(
      text,
      AllOf(
          HasSubstr("# TYPE pretzel_plugin_calls_total counter"),
          HasSubstr("pretzel_plugin_calls_total{" + labels + ",code=\"FAILED_PRECONDITION\"} 3\n"),
          HasSubstr("pretzel_plugin_calls_total{" + labels + ",code=\"OK\"} 0\n"),
          HasSubstr("# TYPE pretzel_plugin_call_duration_seconds histogram"),
          HasSubstr("pretzel_plugin_call_duration_seconds_count{" + labels + "} 3\n"),
          HasSubstr("pretzel_plugin_call_duration_seconds_bucket{" + labels + ",le=\"+Inf\"} 3\n"),
          HasSubstr("pretzel_plugin_up{" + labels + "} 0\n"),
          HasSubstr("pretzel_plugin_calls_open{" + labels + "} 0\n"),
          HasSubstr("pretzel_plugin_restarts_total{" + labels + "} 0\n")));
  EXPECT_THAT(text, HasSubstr("pretzel_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("pretzel_plugin_worker_")));  // it has none
}

TEST_F(MetricsEndpointTest, NobodyElseSeesAnything) {
  for (const std::string wrong :
       {"", "Authorization: Basic cHJldHplbDpoaXNo\r\n",  // pretzel:hish
        "Authorization: Basic cm9vdDpodXNo\r\n",          // root:hush
        "Authorization: Basic\r\n", "Authorization: Basic \r\n", "Authorization: Basic !!!\r\n",
        "Authorization: Basic cHJldHplbA==\r\n",  // no colon
        "Authorization: Basic cHJ\r\n", "Authorization: Basic ====\r\n",
        "Authorization: Basic cHJldHplbDpodXNo=\r\n", "Authorization: Bearer hush\r\n",
        "Authorization: hush\r\n"}) {
    const std::string answer = Get("/metrics", wrong);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << wrong;
    EXPECT_THAT(answer, AllOf(HasSubstr("WWW-Authenticate: Basic"), Not(HasSubstr("ghost")),
                              Not(HasSubstr("pretzel_"))))
        << wrong;
  }
  EXPECT_THAT(Get("/metrics/", ""), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Get("/metrics?x=1", ""), StartsWith("HTTP/1.1 401"));
  // The library takes what begins with the path for the path; so does its authentication.
  EXPECT_THAT(Get("/metricsx", ""), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Get("/metrics/x", ""), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Get("//metrics", ""), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Get("/%6detrics", ""), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Get("/x/../metrics", ""), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Get("/METRICS", ""), Not(HasSubstr("pretzel_")));
}

TEST_F(MetricsEndpointTest, ThereIsNothingElse) {
  for (const char* path : {"/", "/index.html", "/../../etc/passwd", "/etc/passwd", "/metric"}) {
    const std::string answer = Get(path, kGood);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << path;
    EXPECT_THAT(answer, AllOf(Not(HasSubstr("root:")), Not(HasSubstr("pretzel_")))) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT"}) {
    EXPECT_THAT(Get("/metrics", "", method), Not(HasSubstr("pretzel_"))) << method;
  }
}

TEST_F(MetricsEndpointTest, NonsenseIsOutlived) {
  EXPECT_THAT(Talk("\r\n\r\n\r\n"), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Talk(std::string(100'000, 'A') + "\r\n\r\n"), Not(HasSubstr("pretzel_")));
  EXPECT_THAT(Get("/metrics", "Authorization: Basic " + std::string(8'000, 'Q') + "\r\n"),
              StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Get("/metrics", kGood), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(MetricsEndpointTest, APortThatIsTakenIsNamed) {
  const std::string address = "127.0.0.1:" + std::to_string(endpoint_->port());
  EXPECT_EQ(endpoint_->address(), "http://" + address + "/metrics");
  const Status taken = MetricsEndpoint::Start(address, Secret("x"), "1", *host_).status();
  EXPECT_EQ(taken.code(), Code::kUnavailable);
  EXPECT_THAT(taken.message(), HasSubstr(address));
  EXPECT_EQ(MetricsEndpoint::Start("127.0.0.1:0", Secret(), "1", *host_).status().code(),
            Code::kInvalidArgument);
}

TEST(MetricsAddressTest, OnlyLoopbackIsServed) {
  for (const char* good : {"", "127.0.0.1:0", "127.0.0.1:9464", "127.0.0.1:65535"}) {
    EXPECT_TRUE(CheckMetricsAddress(good).ok()) << good;
  }
  for (const char* wrong :
       {"9464", "0.0.0.0:9464", ":9464", "[::]:9464", "[::1]:9464", "localhost:9464", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:1,0.0.0.0:1", "127.0.0.1:80s",
        "10.0.0.1:1"}) {
    EXPECT_EQ(CheckMetricsAddress(wrong).code(), Code::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace dcp::daemon
