// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server before clients that hold what they can, and the client before servers that do not
// answer as they should.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catalog/http.h"
#include "catalog/workers.h"

namespace dcp::catalog {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

int64_t MillisecondsSince(steady_clock::time_point begun) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun).count();
}

int Listen(int* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(fd, 64), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/// Waits until `peer` can be read, at most so long; false also when it was closed or reset.
bool ReadSome(int peer, std::string* out, int64_t wait_ms) {
  pollfd poll{peer, POLLIN, 0};
  if (::poll(&poll, 1, static_cast<int>(wait_ms)) <= 0) return false;
  std::vector<char> chunk(65536);
  const ssize_t n = ::recv(peer, chunk.data(), chunk.size(), 0);
  if (n > 0) out->append(chunk.data(), static_cast<size_t>(n));
  return n > 0;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// An upstream that does with each connection, after it has sent a request, what it is told.
class Upstream {
 public:
  explicit Upstream(std::function<void(int peer)> answer) : answer_(std::move(answer)) {
    listener_ = Listen(&port_);
    thread_ = std::jthread([this] {
      for (int peer = -1; (peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        peers_.emplace_back([this, peer] {
          std::string request;
          if (ReadSome(peer, &request, 5'000)) {
            ++requests;
            answer_(peer);
          }
          ::close(peer);
        });
      }
    });
  }
  ~Upstream() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    peers_.clear();
    ::close(listener_);
  }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> requests{0};

 private:
  std::function<void(int)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<std::jthread> peers_;
  std::jthread thread_;
};

/// Until the client has closed its end.
void Hang(int peer) {
  std::string rest;
  while (ReadSome(peer, &rest, 20'000)) {
  }
}

class ClientLimitsTest : public testing::Test {
 protected:
  Result<HttpReply> Call(const Upstream& upstream, const std::string& method,
                         const Patience& patience = {}, int64_t timeout_ms = 20'000) {
    const HttpClient client({upstream.base(), "", Secret(), timeout_ms}, stopping_);
    begun_ = steady_clock::now();
    auto reply = client.Call(method, "/a", "{}", patience);
    spent_ms_ = MillisecondsSince(begun_);
    return reply;
  }
  std::atomic<bool> stopping_{false};
  steady_clock::time_point begun_;
  int64_t spent_ms_ = 0;
};

TEST_F(ClientLimitsTest, AReadEndsWithItsCallersPatience) {
  const Upstream upstream(Hang);
  std::atomic<bool> gone{false};
  std::jthread leaves([&] {
    while (upstream.requests == 0) std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(100));
    begun_ = steady_clock::now();
    gone = true;
  });
  EXPECT_EQ(Call(upstream, "GET", {[&] { return gone.load(); }, 0}).status().code(),
            Code::kCancelled);
  EXPECT_LT(MillisecondsSince(begun_), 300);
  const SteadyMillis soon = SystemClock().Steady() + 200;
  EXPECT_EQ(Call(upstream, "GET", {{}, soon}).status().code(), Code::kDeadlineExceeded);
  EXPECT_LT(spent_ms_, 400);
}

TEST_F(ClientLimitsTest, AWriteThatWasSentIsWaitedFor) {
  const Upstream upstream([](int peer) {
    std::this_thread::sleep_for(milliseconds(600));
    const std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  // It goes while the write is under way.
  const auto reply = Call(upstream, "POST", {[&] { return upstream.requests > 0; }, 0});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->code, 200);
  // And one who has gone before has sent nothing.
  EXPECT_EQ(Call(upstream, "POST", {[] { return true; }, 0}).status().code(), Code::kCancelled);
  EXPECT_EQ(upstream.requests, 1);
}

TEST_F(ClientLimitsTest, TheDaemonsEndIsAReadsEndAndGivesAWriteAMoment) {
  const Upstream upstream(Hang);
  std::jthread stops([&] {
    while (upstream.requests == 0) std::this_thread::sleep_for(milliseconds(1));
    stopping_ = true;
  });
  EXPECT_EQ(Call(upstream, "GET").status().code(), Code::kUnavailable);
  EXPECT_LT(spent_ms_, 1'000);
  stops.join();
  stopping_ = false;
  stops = std::jthread([&] {
    while (upstream.requests == 1) std::this_thread::sleep_for(milliseconds(1));
    stopping_ = true;
  });
  EXPECT_EQ(Call(upstream, "POST").status().code(), Code::kUnknown);
  EXPECT_GT(spent_ms_, 1'500);
  EXPECT_LT(spent_ms_, 4'000);
}

TEST_F(ClientLimitsTest, AnAnswerByteByByteIsGivenUp) {
  const Upstream upstream([](int peer) {
    const std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n";
    for (const char byte : answer) {
      if (::send(peer, &byte, 1, MSG_NOSIGNAL) != 1) return;
      std::this_thread::sleep_for(milliseconds(250));
    }
  });
  const Status slow = Call(upstream, "GET").status();
  EXPECT_EQ(slow.code(), Code::kUnavailable);
  EXPECT_NE(slow.message().find(upstream.base() + " answers too slowly"), std::string::npos)
      << slow.message();
  EXPECT_LT(spent_ms_, 7'000);
}

TEST_F(ClientLimitsTest, AnAnswerThatThinksLongIsNotSlow) {
  const Upstream upstream([](int peer) {
    std::this_thread::sleep_for(milliseconds(6'000));  // longer than slowness is borne
    const std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  EXPECT_TRUE(Call(upstream, "GET").ok());
}

TEST_F(ClientLimitsTest, AnAnswerWithoutEndIsRefusedAndNotHeld) {
  std::atomic<int64_t> sent{0};
  const Upstream upstream([&](int peer) {
    const std::string head = "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n";
    (void)!::send(peer, head.data(), head.size(), MSG_NOSIGNAL);
    const std::string piece(size_t{1} << 20, 'x');
    for (int i = 0; i < 100; ++i) {
      const ssize_t n = ::send(peer, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += n;
    }
  });
  const Status large = Call(upstream, "GET").status();
  EXPECT_EQ(large.code(), Code::kResourceExhausted);
  EXPECT_NE(large.message().find(upstream.base() + " sends an answer of more than 33554432 bytes"),
            std::string::npos)
      << large.message();
  EXPECT_LT(sent, int64_t{50} << 20);
}

TEST_F(ClientLimitsTest, SilenceIsNamed) {
  const Upstream upstream(Hang);
  const Status silent = Call(upstream, "GET", {}, 300).status();
  EXPECT_EQ(silent.code(), Code::kUnavailable);
  EXPECT_NE(silent.message().find("did not end within 300 ms"), std::string::npos)
      << silent.message();
  EXPECT_EQ(Call(upstream, "POST", {}, 300).status().code(), Code::kUnknown);
}

// --- the server ------------------------------------------------------------------------------

class SlowHandler : public HttpHandler {
 public:
  Admission Admit(const HttpRequest& head) override {
    const auto who = head.headers.find("x-who");
    if (who != head.headers.end()) return {true, who->second, {}};
    return {false, "", {401, "{}", false}};
  }
  HttpResponse Busy(const HttpRequest&) override { return {503, R"({"busy":1})", false}; }
  HttpResponse Handle(const HttpRequest& request, const std::function<bool()>& gone) override {
    if (request.target == "/wait") {
      ++waiting;
      while (!over && !gone()) std::this_thread::sleep_for(milliseconds(2));
      if (gone()) ++left;
      --waiting;
    }
    return {200, "{}", false};
  }
  std::atomic<bool> over{false};
  std::atomic<int> waiting{0};
  std::atomic<int> left{0};
};

class ServerLimitsTest : public testing::Test {
 protected:
  void SetUp() override { server_ = HttpServer::Start("127.0.0.1", 0, 4, handler_).value(); }
  void TearDown() override {
    handler_.over = true;
    server_.reset();
  }

  Socket Connect(const std::string& bytes = "") const {
    Socket fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    (void)!::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return fd;
  }
  static std::string Get(const std::string& target, const std::string& who) {
    return "GET " + target + " HTTP/1.1\r\nx-who: " + who + "\r\n\r\n";
  }
  /// The status line of what comes; empty when the connection is closed or nothing comes.
  static std::string StatusLine(const Socket& fd, int64_t wait_ms = 1'000) {
    std::string text;
    if (!ReadSome(fd.get(), &text, wait_ms)) return "";
    return text.substr(0, text.find('\r'));
  }
  void Await(const std::atomic<int>& count, int value) {
    for (int i = 0; i < 5000 && count != value; ++i) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(count, value);
  }

  SlowHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ServerLimitsTest, IdleConnectionsWithoutATokenDoNotLockThePort) {
  const Socket kept = Connect(Get("/", "ana"));
  EXPECT_EQ(StatusLine(kept), "HTTP/1.1 200 OK");
  std::vector<Socket> idle;
  for (int i = 0; i < kConnectionsMax + 88; ++i) {
    // Some have begun a header, some have shown a token that is no good.
    idle.push_back(Connect(i % 3 == 0 ? "" : i % 3 == 1 ? "GET / HT" : "GET / HTTP/1.1\r\n\r\n"));
  }
  const auto begun = steady_clock::now();
  EXPECT_EQ(StatusLine(Connect(Get("/", "ben"))), "HTTP/1.1 200 OK");
  EXPECT_LT(MillisecondsSince(begun), 1'000);
  (void)!::send(kept.get(), Get("/", "ana").data(), Get("/", "ana").size(), MSG_NOSIGNAL);
  EXPECT_EQ(StatusLine(kept), "HTTP/1.1 200 OK")
      << "one that has shown a token is not closed for them";
}

TEST_F(ServerLimitsTest, OnePrincipalsConnectionsLeaveHalfToOthers) {
  std::vector<Socket> own;
  for (int i = 0; i < kConnectionsPerPrincipalMax + 10; ++i) {
    own.push_back(Connect(Get("/", "ana")));
    ASSERT_EQ(StatusLine(own.back()), "HTTP/1.1 200 OK") << i;
  }
  EXPECT_EQ(StatusLine(own.front(), 1'000), "") << "the oldest was closed";
  char byte = 0;
  EXPECT_EQ(::recv(own.front().get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(::recv(own.back().get(), &byte, 1, MSG_DONTWAIT), -1) << "the youngest is open";
}

TEST_F(ServerLimitsTest, OnePrincipalsRequestsLeaveHalfTheWorkersToOthers) {
  std::vector<Socket> hanging;
  for (int i = 0; i < 2; ++i) hanging.push_back(Connect(Get("/wait", "ana")));
  Await(handler_.waiting, 2);
  EXPECT_EQ(StatusLine(Connect(Get("/", "ana"))), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(StatusLine(Connect(Get("/", "ben"))), "HTTP/1.1 200 OK");
  const auto begun = steady_clock::now();
  EXPECT_EQ(StatusLine(Connect("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 401 Unauthorized");
  EXPECT_LT(MillisecondsSince(begun), 500);
}

TEST_F(ServerLimitsTest, BodiesThatAreReceivedHaveALimitForOneAndForAll) {
  const auto post = [](const std::string& who, size_t bytes) {
    return "POST / HTTP/1.1\r\nx-who: " + who + "\r\ncontent-length: " + std::to_string(bytes) +
           "\r\n\r\n";
  };
  constexpr size_t kOwn = kBodiesPerPrincipalBytesMax / kRequestBodyBytesMax;
  constexpr size_t kAll = kBodiesBytesMax / kRequestBodyBytesMax;
  std::vector<Socket> held;
  for (size_t i = 0; i < kOwn; ++i) held.push_back(Connect(post("ana", kRequestBodyBytesMax)));
  for (const Socket& each : held) EXPECT_EQ(StatusLine(each, 100), "") << "its body is waited for";
  EXPECT_EQ(StatusLine(Connect(post("ana", 1))), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(
      StatusLine(Connect("POST / HTTP/1.1\r\nx-who: ana\r\ntransfer-encoding: chunked\r\n\r\n")),
      "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(StatusLine(Connect(Get("/", "ana"))), "HTTP/1.1 200 OK") << "it has no body";
  EXPECT_EQ(StatusLine(Connect(post("ben", 1) + "x")), "HTTP/1.1 200 OK");
  for (size_t i = kOwn; i < kAll; ++i) {
    held.push_back(Connect(post("u" + std::to_string(i / kOwn), kRequestBodyBytesMax)));
    EXPECT_EQ(StatusLine(held.back(), 20), "");
  }
  EXPECT_EQ(StatusLine(Connect(post("ben", 1))), "HTTP/1.1 503 Service Unavailable");
  held.clear();  // what they held is free again
  std::string answer;
  for (int i = 0; i < 100 && answer != "HTTP/1.1 200 OK"; ++i) {
    answer = StatusLine(Connect(post("ana", 1) + "x"));
  }
  EXPECT_EQ(answer, "HTTP/1.1 200 OK");
}

TEST_F(ServerLimitsTest, AClientThatClosesIsNoticed) {
  {
    const Socket leaving = Connect(Get("/wait", "ana"));
    Await(handler_.waiting, 1);
  }
  const auto begun = steady_clock::now();
  Await(handler_.left, 1);
  EXPECT_LT(MillisecondsSince(begun), 500);
}

TEST_F(ServerLimitsTest, AHeaderInManyPiecesHasTheSameLimit) {
  const Socket piecewise = Connect("GET / HTTP/1.1\r\nx-who: ana\r\n");
  const std::string piece(kHeaderBytesMax / 16 - 20, 'x');
  for (int i = 0; i < 20; ++i) {
    const std::string field = "h" + std::to_string(i) + ": " + piece + "\r\n";
    (void)!::send(piecewise.get(), field.data(), field.size(), MSG_NOSIGNAL);
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_EQ(StatusLine(piecewise), "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(ServerLimitsTest, ASecondRequestThatIsSentEarlyIsNotAClientsGoing) {
  const Socket eager = Connect(Get("/wait", "ana") + Get("/", "ana"));
  Await(handler_.waiting, 1);
  const Socket late = Connect(Get("/wait", "ben"));
  Await(handler_.waiting, 2);
  const std::string second = Get("/", "ben");
  (void)!::send(late.get(), second.data(), second.size(), MSG_NOSIGNAL);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(handler_.waiting, 2);
  handler_.over = true;
  for (const Socket* each : {&eager, &late}) {
    std::string text;
    while (text.find("200 OK", text.find("200 OK") + 1) == std::string::npos &&
           ReadSome(each->get(), &text, 2'000)) {
    }
    EXPECT_NE(text.find("200 OK", text.find("200 OK") + 1), std::string::npos) << text;
  }
  EXPECT_EQ(handler_.left, 0);
}

TEST_F(ServerLimitsTest, AHeaderThatDribblesIsCutOff) {
  const Socket slow = Connect("GET / HTTP/1.1\r\nx-who: ana\r\n");
  const auto begun = steady_clock::now();
  while (MillisecondsSince(begun) < 2 * kHeaderMs &&
         ::send(slow.get(), "x", 1, MSG_NOSIGNAL) == 1) {
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_GT(MillisecondsSince(begun), kHeaderMs - 1'000);
  EXPECT_LT(MillisecondsSince(begun), kHeaderMs + 2'000);
}

TEST(WorkersTest, EverythingThatWasTakenIsDone) {
  std::atomic<int> done{0};
  {
    Workers workers(3, 1000);
    for (int i = 0; i < 100; ++i) {
      const std::string who = std::to_string(i);
      EXPECT_TRUE(workers.Post(who, [&] { ++done; }));
    }
    workers.Finish();
    EXPECT_FALSE(workers.Post("late", [&] { ++done; }));
  }
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace dcp::catalog
