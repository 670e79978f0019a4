// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server, over Boost.Beast. Two threads move bytes, look at headers and refuse; they never
// block. A request is handled, and may block, on a worker.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "catalog/connections.h"
#include "catalog/http.h"
#include "catalog/workers.h"
#include "os/supervisor.h"

namespace dcp::catalog {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using std::chrono::milliseconds;

/// Threads that move bytes. They do nothing that takes time.
constexpr int kIoThreads = 2;
/// How often the server's end looks whether the last answers are sent.
constexpr int64_t kLastLookMs = 5;

constexpr char kBroken[] =
    R"({"error":{"message":"the catalog failed on this request","type":"InternalServerError","code":500}})";

/// Programs that this process starts must not keep its sockets open.
void CloseOnExec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

/// How many descriptors are left. The system gives the lowest free one, so the number of a new one
/// tells how many are open.
int64_t DescriptorsLeft(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT64_MAX;
  return static_cast<int64_t>(limit.rlim_cur) - fd;
}

/// A fixed port is held by this user's jobs while no daemon runs (os/peer.h). What cannot be set
/// here is said by bind().
void ShareWithHolders(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

/// The parser's own complaint, and neither a client that went away nor one that is slow.
bool IsMalformed(beast::error_code error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

/// What connections work with; outlives them.
struct Parts {
  HttpHandler& handler;
  Connections& connections;
  Workers& workers;
};

/// One connection: header, admission, body, answer, and again.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, const Parts& parts) : stream_(std::move(socket)), parts_(parts) {
    CloseOnExec(stream_.socket().native_handle());
    beast::error_code ignored;
    stream_.socket().set_option(Tcp::no_delay(true), ignored);
  }
  ~Session() { parts_.connections.Remove(id_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Once.
  void Start(bool scarce) {
    id_ = parts_.connections.Add(
        [weak = weak_from_this()] {
          if (const auto self = weak.lock()) {
            asio::post(self->stream_.get_executor(), [self] { self->stream_.close(); });
          }
        },
        scarce);
    if (id_ == 0) return;  // the socket closes, which the client sees
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->WaitForRequest(); });
  }

 private:
  /// The first byte may be long in coming, the rest of a header not.
  void WaitForRequest() {
    if (buffer_.size() > 0) return ReadHeader();
    stream_.expires_after(milliseconds(authenticated_ ? kIdleMs : kFirstByteMs));
    stream_.async_read_some(buffer_.prepare(kFirstReadBytes),
                            [self = shared_from_this()](beast::error_code error, size_t bytes) {
                              if (error) return;
                              self->buffer_.commit(bytes);
                              self->ReadHeader();
                            });
  }

  void ReadHeader() {
    parser_.emplace();
    parser_->body_limit(kRequestBodyBytesMax);
    parser_->header_limit(kHeaderBytesMax);
    header_bytes_ = 0;
    stream_.expires_after(milliseconds(kHeaderMs));
    ReadMoreOfHeader();
  }

  /// The parser's own limit is one for each piece that arrives; of all pieces, we count.
  void ReadMoreOfHeader() {
    http::async_read_some(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, size_t bytes) {
          self->header_bytes_ += bytes;
          if (error == http::error::header_limit || self->header_bytes_ > kHeaderBytesMax) {
            self->Refuse(431, "the request's header lines are too long");
          } else if (error == http::error::body_limit) {
            self->RefuseBody();
          } else if (IsMalformed(error)) {
            self->Refuse(400, "the request is not HTTP/1.1");
          } else if (!error && self->parser_->is_header_done()) {
            self->OnHeader();
          } else if (!error) {
            self->ReadMoreOfHeader();
          }
        });
  }

  void OnHeader() {
    const auto& message = parser_->get();
    request_ = HttpRequest();
    request_.method = Text(message.method_string());
    request_.target = Text(message.target());
    for (const auto& field : message) {
      std::string name = Text(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request_.headers.emplace(std::move(name), Text(field.value()));
    }
    Admission admission = parts_.handler.Admit(request_);
    principal_ = admission.admitted ? admission.principal : "";
    authenticated_ = authenticated_ || admission.admitted;
    keep_alive_ = parts_.connections.Begin(id_, principal_) && message.keep_alive();
    if (!admission.admitted) {
      // The body was not read, so what follows on this connection cannot be told apart.
      keep_alive_ =
          keep_alive_ && !parser_->chunked() && parser_->content_length().value_or(0) == 0;
      Write(std::move(admission.refusal));
      return;
    }
    if (Text(message[http::field::expect]) == "100-continue") {
      Refuse(417, "send the body at once, without Expect");
      return;
    }
    if (message.count(http::field::transfer_encoding) > 0 && !parser_->chunked()) {
      // Whoever stands between could read the body's end elsewhere.
      Refuse(400, "the transfer coding is not known; send the body with its length");
      return;
    }
    // In chunks it may be as long as any; without those and without a length there is none.
    const uint64_t body =
        parser_->chunked() ? kRequestBodyBytesMax : parser_->content_length().value_or(0);
    if (body > 0 && !parts_.connections.Hold(id_, static_cast<size_t>(body))) {
      HttpResponse busy = parts_.handler.Busy(request_);
      busy.close = true;  // its body was not read
      return Write(std::move(busy));
    }
    stream_.expires_after(milliseconds(kReadMs));
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) {
                         self->OnRequest();
                       } else if (error == http::error::body_limit) {
                         self->RefuseBody();
                       } else if (IsMalformed(error)) {
                         self->Refuse(400, "the request's body is not HTTP/1.1");
                       }
                     });
  }

  void OnRequest() {
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    gone_ = false;
    const auto self = shared_from_this();
    if (!parts_.workers.Post(principal_, [self] { self->Handle(); })) {
      return Write(parts_.handler.Busy(request_));
    }
    WatchClient();
  }

  /// On a worker.
  void Handle() {
    HttpResponse response;
    try {
      response = parts_.handler.Handle(request_, [this] { return gone_.load(); });
    } catch (const std::exception&) {
      // A fault of ours; what it says may hold a part of the request, so it is not sent.
      response = {500, kBroken, true};
    }
    asio::post(stream_.get_executor(),
               [self = shared_from_this(), response = std::move(response)]() mutable {
                 self->handled_ = true;
                 beast::error_code ignored;
                 self->stream_.socket().cancel(ignored);  // the watch
                 self->Write(std::move(response));
               });
  }

  /// While a request is handled. What the client sends meanwhile is its next request, and ends the
  /// watch; an end that it sends counts as its going, as with any HTTP server: who closes only one
  /// direction (`printf ... | nc`) cannot be told from who closes both.
  void WatchClient() {
    handled_ = false;
    stream_.socket().async_wait(
        Tcp::socket::wait_read, [self = shared_from_this()](beast::error_code error) {
          if (error || self->handled_) return;
          char byte = 0;
          const ssize_t read =
              ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
          self->gone_ = read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR);
        });
  }

  void RefuseBody() {
    Refuse(413,
           "the request's body is larger than " + std::to_string(kRequestBodyBytesMax) + " bytes");
  }

  void Refuse(int code, const std::string& message) {
    Write({code,
           R"({"error":{"message":")" + message + R"(","type":"BadRequestException","code":)" +
               std::to_string(code) + "}}",
           true});
  }

  void Write(HttpResponse response) {
    const bool bodiless = request_.method == "HEAD" || response.code == 204;
    response_.emplace(static_cast<http::status>(response.code), 11);
    if (!bodiless) {
      response_->set(http::field::content_type, "application/json");
      response_->body() = std::move(response.body);
    }
    response_->keep_alive(keep_alive_ && !response.close);
    if (response.code == 503) response_->set(http::field::retry_after, "1");
    response_->prepare_payload();
    stream_.expires_after(milliseconds(kReadMs));
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (!error && self->response_->keep_alive()) {
                          self->parts_.connections.Wait(self->id_);
                          self->WaitForRequest();
                        } else {
                          self->Close();
                        }
                      });
  }

  void Close() {
    beast::error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  static constexpr size_t kFirstReadBytes = 4096;

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kHeaderBytesMax + 64 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  size_t header_bytes_ = 0;
  HttpRequest request_;
  std::string principal_;
  bool authenticated_ = false;  ///< some request's token was good
  bool keep_alive_ = false;
  bool handled_ = false;
  std::atomic<bool> gone_{false};
  const Parts& parts_;
  Connections::Id id_ = 0;
};

class BeastServer : public HttpServer {
 public:
  BeastServer(HttpHandler& handler, int workers)
      : parts_{handler, connections_, workers_},
        acceptor_(asio::make_strand(context_)),
        pause_(acceptor_.get_executor()),
        workers_(workers, kWaitingRequestsMax) {}

  ~BeastServer() override {
    asio::post(acceptor_.get_executor(), [this] {
      beast::error_code ignored;
      acceptor_.close(ignored);
    });
    workers_.Finish();
    // What was decided is told: a write's outcome above all.
    for (int64_t waited = 0; waited < kLastAnswersMs && connections_.at_work() > 0;
         waited += kLastLookMs) {
      std::this_thread::sleep_for(milliseconds(kLastLookMs));
    }
    context_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Status Listen(const std::string& host, int port) {
    beast::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return InvalidArgument("the address \"" + host + "\" is no IP address");
    const Tcp::endpoint endpoint(address, static_cast<uint16_t>(port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (port != 0) {
      // Sharing would make two servers of one user out of one mistake, each with half the calls.
      if (os::CheckTcp(host, port, kAcceptPauseMs).ok()) error = asio::error::address_in_use;
      if (!error) ShareWithHolders(acceptor_.native_handle());
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Unavailable("cannot listen on " + host + ":" + std::to_string(port) + ": " +
                         error.message())
          .WithHint("another program has the port; choose another, or 0 for any free one");
    }
    CloseOnExec(acceptor_.native_handle());
    port_ = acceptor_.local_endpoint().port();
    asio::post(acceptor_.get_executor(), [this] { Accept(); });
    for (int i = 0; i < kIoThreads; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
    return Status::Ok();
  }

  int port() const override { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept(asio::make_strand(context_), [this](beast::error_code error,
                                                               Tcp::socket socket) {
      if (!error) Take(std::move(socket));
      if (error == asio::error::operation_aborted) return;
      if (error && error != asio::error::connection_aborted) return AcceptLater();
      // Behind what there is to do: the end of a connection that made room for this one.
      asio::post(context_, [this] { asio::post(acceptor_.get_executor(), [this] { Accept(); }); });
    });
  }
  void Take(Tcp::socket socket) {
    const int64_t left = DescriptorsLeft(socket.native_handle());
    // Those that are to make room are not closed yet; the socket closes here, which the client
    // sees.
    if (left <= kDescriptorsReserved / 2) return;
    std::make_shared<Session>(std::move(socket), parts_)->Start(left <= kDescriptorsReserved);
  }
  /// Without the pause a thread would ask again and again for what the system has not.
  void AcceptLater() {
    pause_.expires_after(milliseconds(kAcceptPauseMs));
    pause_.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  Connections connections_{kConnectionsMax, kConnectionsPerPrincipalMax, kBodiesBytesMax,
                           kBodiesPerPrincipalBytesMax};
  const Parts parts_;  // outlives the sessions, which the context owns
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  int port_ = 0;
  std::vector<std::thread> threads_;
  Workers workers_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& host, int port,
                                                      int workers, HttpHandler& handler) {
  auto server = std::make_unique<BeastServer>(handler, std::max(1, workers));
  DCP_TRY(server->Listen(host, port));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace dcp::catalog
