// SPDX-License-Identifier: Apache-2.0
//
// Health checks against servers that answer, that answer nonsense, and that only seem to be there.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "os/process.h"
#include "os/supervisor.h"

namespace dcp::os {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPatienceMs = 10'000;  // for what must answer
constexpr int64_t kSoonMs = 50;          // for what must not

/// Listens, and answers one connection with a text once it has heard something; no text: never.
class OneAnswer {
 public:
  explicit OneAnswer(std::string text) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, raw, size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    EXPECT_EQ(::getsockname(listener_, raw, &size), 0);
    port_ = ntohs(address.sin_port);
    if (text.empty()) return;
    thread_ = std::jthread([this, text = std::move(text)] {
      const int fd = ::accept(listener_, nullptr, nullptr);
      char heard[512];
      EXPECT_GT(::recv(fd, heard, sizeof heard, 0), 0);
      EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(text.size()));
      ::close(fd);
    });
  }
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  int port() const { return port_; }

 private:
  int listener_;
  int port_ = 0;
  std::jthread thread_;
};

std::string Settings() { return std::string("\0\0\0\x04\0\0\0\0\0", 9); }

TEST(NetTest, HttpTakesAnyAnswerButTheServersOwnFailure) {
  for (const char* line : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 401 Who are you\r\n\r\n"}) {
    OneAnswer server(line);
    const Status status = CheckHttp("127.0.0.1", server.port(), "/v1/config", kPatienceMs);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  OneAnswer ill("HTTP/1.1 503 Not now\r\n\r\n");
  const Status status = CheckHttp("127.0.0.1", ill.port(), "/v1/config", kPatienceMs);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("status 503"));
  OneAnswer other("SSH-2.0-nothing here\r\n");
  EXPECT_THAT(CheckHttp("127.0.0.1", other.port(), "/", kPatienceMs).message(),
              HasSubstr("does not speak HTTP/1"));
}

TEST(NetTest, Http2WantsSettings) {
  OneAnswer server(Settings());
  const Status status = CheckHttp2("127.0.0.1", server.port(), kPatienceMs);
  EXPECT_TRUE(status.ok()) << status.ToString();
  OneAnswer other("HTTP/1.1 400 Bad request\r\n\r\n");
  EXPECT_THAT(CheckHttp2("127.0.0.1", other.port(), kPatienceMs).message(),
              HasSubstr("does not speak HTTP/2"));
  EXPECT_EQ(CheckHttp2("127.0.0.1", FreeLoopbackPort().value(), kPatienceMs).code(),
            Code::kUnavailable);
}

TEST(NetTest, AHungServerTakesConnectionsAndAnswersNothing) {
  OneAnswer hung("");
  EXPECT_TRUE(CheckTcp("127.0.0.1", hung.port(), kPatienceMs).ok()) << "the kernel answers for it";
  const Status http = CheckHttp("127.0.0.1", hung.port(), "/", kSoonMs);
  EXPECT_EQ(http.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(http.message(), HasSubstr("does not answer"));
  EXPECT_EQ(CheckHttp2("127.0.0.1", hung.port(), kSoonMs).code(), Code::kDeadlineExceeded);
}

TEST(FreePortTest, IsNoneThatTheKernelChooses) {
  const auto chosen = KernelChosenPorts();
  ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
  EXPECT_TRUE(chosen->Holds(chosen->first) && !chosen->Holds(chosen->last + 1));
  const bool everywhere = chosen->first <= 20'000 && chosen->last >= 65'535;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(chosen->Holds(FreeLoopbackPort().value()), everywhere);
}

}  // namespace
}  // namespace dcp::os
