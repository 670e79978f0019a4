// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server and client against each other on loopback, and the server against bytes.
#include "catalog/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/peer.h"
#include "os/process.h"
#include "os/testing/neighbour.h"

namespace dcp::catalog {
namespace {

class EchoHandler : public HttpHandler {
 public:
  Admission Admit(const HttpRequest& head) override {
    if (head.headers.contains("x-secret") && head.headers.at("x-secret") == "s") {
      return {true, "ana", {}};
    }
    return {false, "", {401, R"({"no":1})", false}};
  }
  HttpResponse Busy(const HttpRequest&) override { return {503, "{}", false}; }
  HttpResponse Handle(const HttpRequest& request, const std::function<bool()>&) override {
    ++handled;
    if (request.target == "/throw") throw std::runtime_error("secret detail");
    if (request.target == "/none") return {204, "", false};
    return {200, request.method + " " + request.target + " " + request.body, false};
  }
  std::atomic<int> handled{0};
};

class HttpTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = HttpServer::Start("127.0.0.1", 0, 16, handler_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  HttpClient Client(const std::string& secret) {
    return HttpClient({base_, "x-secret", Secret(secret), 5'000}, cancelled_);
  }

  /// Sends bytes and reads what comes until the server closes.
  std::string Raw(const std::string& bytes) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    ::shutdown(fd, SHUT_WR);
    std::string out;
    std::vector<char> chunk(4096);
    for (ssize_t n = 0; (n = ::recv(fd, chunk.data(), chunk.size(), 0)) > 0;) {
      out.append(chunk.data(), static_cast<size_t>(n));
    }
    ::close(fd);
    return out;
  }

  std::atomic<bool> cancelled_{false};
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
  std::string base_;
};

TEST_F(HttpTest, AFixedPortIsHeldForThisUsersServerAlone) {
  const int port = os::FreeLoopbackPort().value();
  const auto held = os::HeldPort::Hold(port);
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  auto first = HttpServer::Start("127.0.0.1", port, 1, handler_);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(HttpServer::Start("127.0.0.1", port, 1, handler_).status().code(), Code::kUnavailable)
      << "two of them would share the calls";
  first.value().reset();
  EXPECT_TRUE(HttpServer::Start("127.0.0.1", port, 1, handler_).ok());
}

/// A neighbour listens where the upstream was: it gets a connection and not one byte.
TEST_F(HttpTest, NoSecretIsSentToANeighbour) {
  const int port = os::FreeLoopbackPort().value();
  std::array<int, 2> received{};
  ASSERT_EQ(::pipe2(received.data(), O_CLOEXEC), 0);
  const os::Neighbour neighbour([&] {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener, 100) != 0) {
      return false;
    }
    std::thread([listener, out = received[1]] {
      for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        std::array<char, 4096> bytes{};
        for (ssize_t n = 0; (n = ::recv(client, bytes.data(), bytes.size(), 0)) > 0;) {
          (void)!::write(out, bytes.data(), static_cast<size_t>(n));
        }
        (void)!::write(out, "\n", 1);  // the connection's end
        ::close(client);
      }
    }).detach();
    return true;
  });
  ASSERT_TRUE(neighbour.acted());
  if (::geteuid() != 0) return;  // then it is no neighbour
  const HttpClient client(
      {"http://127.0.0.1:" + std::to_string(port), "x-secret", Secret("s3cret"), 5'000},
      cancelled_);
  std::string got;
  for (const char* method : {"GET", "POST", "DELETE", "HEAD"}) {
    const Status refused = client.Call(method, "/a", "{}").status();
    EXPECT_EQ(refused.code(), Code::kUnavailable) << refused.ToString();
    EXPECT_NE(refused.message().find("Unix user 65534"), std::string::npos) << refused.ToString();
    char byte = 0;
    while (::read(received[0], &byte, 1) == 1 && byte != '\n') got += byte;
  }
  EXPECT_EQ(got, "");
}

TEST_F(HttpTest, CarriesMethodsAndBodies) {
  const HttpClient client = Client("s");
  EXPECT_EQ(client.Call("GET", "/a?b=%2F", "")->body, "GET /a?b=%2F ");
  EXPECT_EQ(client.Call("POST", "/a/../b", "{\"x\":1}")->body, "POST /a/../b {\"x\":1}");
  EXPECT_EQ(client.Call("DELETE", "/a", "")->body, "DELETE /a ");
  const auto head = client.Call("HEAD", "/a", "");
  EXPECT_EQ(head->code, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(client.Call("GET", "/none", "")->code, 204);
  EXPECT_EQ(client.Call("GET", "/again", "")->body, "GET /again ");
}

TEST_F(HttpTest, ServesManyAtOnce) {
  const HttpClient client = Client("s");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&client, i] {
      for (int j = 0; j < 10; ++j) {
        const std::string path = "/" + std::to_string(i) + "/" + std::to_string(j);
        EXPECT_EQ(client.Call("POST", path, "x")->body, "POST " + path + " x");
      }
    });
  }
  threads.clear();
  EXPECT_EQ(handler_.handled, 40);
}

TEST_F(HttpTest, WhoIsNotAdmittedIsNotHandled) {
  const auto reply = Client("wrong").Call("POST", "/a", "body");
  EXPECT_EQ(reply->code, 401);
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(HttpTest, AFaultOfTheHandlerIsA500WithoutDetail) {
  const auto reply = Client("s").Call("GET", "/throw", "");
  EXPECT_EQ(reply->code, 500);
  EXPECT_EQ(reply->body.find("detail"), std::string::npos);
}

TEST_F(HttpTest, BodiesAreBounded) {
  const std::string head = "POST /a HTTP/1.1\r\nx-secret: s\r\ncontent-length: ";
  EXPECT_NE(Raw(head + std::to_string(kRequestBodyBytesMax + 1) + "\r\n\r\n").find(" 413 "),
            std::string::npos);
  // One byte less is waited for; it never comes, so there is no answer at all.
  EXPECT_EQ(Raw(head + std::to_string(kRequestBodyBytesMax) + "\r\n\r\nx"), "");
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(HttpTest, HeadersAreBounded) {
  EXPECT_NE(
      Raw("GET /a HTTP/1.1\r\nx: " + std::string(kHeaderBytesMax, 'x') + "\r\n\r\n").find(" 431 "),
      std::string::npos);
}

TEST_F(HttpTest, WhatIsNotHttpIsRefused) {
  for (const char* bytes : {"rubbish\r\n\r\n", "GET /a HTTP/9.9\r\n\r\n",
                            "GET /a HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"}) {
    EXPECT_NE(Raw(bytes).find(" 400 "), std::string::npos) << bytes;
  }
}

TEST_F(HttpTest, AnsweredConnectionsAreClosedWhenAskedTo) {
  EXPECT_NE(Raw("GET /a HTTP/1.1\r\nx-secret: s\r\nconnection: close\r\n\r\n").find("GET /a"),
            std::string::npos);
}

TEST_F(HttpTest, APortInUseIsSaidSo) {
  const auto second = HttpServer::Start("127.0.0.1", server_->port(), 1, handler_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
  EXPECT_NE(second.status().message().find(std::to_string(server_->port())), std::string::npos);
}

TEST_F(HttpTest, AServerThatIsGoneIsUnavailable) {
  const HttpClient client = Client("s");
  server_.reset();
  EXPECT_EQ(client.Call("GET", "/a", "").status().code(), Code::kUnavailable);
}

TEST_F(HttpTest, OpenConnectionsDoNotHoldUpTheEnd) {
  const HttpClient client = Client("s");
  EXPECT_TRUE(client.Call("GET", "/a", "").ok());  // its connection stays open
  server_.reset();
  SUCCEED();
}

TEST(HttpClientTest, AnAnswerThatBreaksOffIsOfUnknownOutcome) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  std::atomic<int> requests{0};
  std::jthread server([fd, &requests] {
    const int peer = ::accept(fd, nullptr, nullptr);
    std::vector<char> chunk(4096);
    if (::recv(peer, chunk.data(), chunk.size(), 0) > 0) ++requests;
    ::close(peer);
  });
  const std::atomic<bool> cancelled{false};
  const HttpClient client(
      {"http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), "", Secret(), 5'000},
      cancelled);
  EXPECT_EQ(client.Call("POST", "/a", "x").status().code(), Code::kUnknown);
  EXPECT_EQ(requests, 1);
  server.join();
  ::close(fd);
}

}  // namespace
}  // namespace dcp::catalog
