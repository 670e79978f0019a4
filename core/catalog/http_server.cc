// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server, over Boost.Beast. Waiting for bytes is asynchronous, so idle connections hold no
// thread; a request is handled, and may block, on the thread that read its end.
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "catalog/http.h"
#include "os/supervisor.h"

namespace dcp::catalog {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using std::chrono::milliseconds;

constexpr char kBroken[] =
    R"({"error":{"message":"the catalog failed on this request","type":"InternalServerError","code":500}})";

/// Programs that this process starts must not keep its sockets open.
void CloseOnExec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

/// Whether few descriptors are left. The system gives the lowest free one, so the number of a new
/// one tells how many are open.
bool ScarceAt(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return static_cast<rlim_t>(fd) + kDescriptorsReserved >= limit.rlim_cur;
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

/// One connection: header, admission, body, answer, and again.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, HttpHandler& handler, std::atomic<int>& open)
      : stream_(std::move(socket)), handler_(handler), open_(open) {
    CloseOnExec(stream_.socket().native_handle());
    beast::error_code ignored;
    stream_.socket().set_option(Tcp::no_delay(true), ignored);
    ++open_;
  }
  ~Session() { --open_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void ReadHeader() {
    parser_.emplace();
    parser_->body_limit(kRequestBodyBytesMax);
    parser_->header_limit(kHeaderBytesMax);
    stream_.expires_after(milliseconds(kIdleMs));
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code error, size_t) {
                              if (!error) {
                                self->OnHeader();
                              } else if (error == http::error::body_limit) {
                                self->RefuseBody();
                              } else if (error == http::error::header_limit) {
                                self->Refuse(431, "the request's header lines are too long");
                              } else if (IsMalformed(error)) {
                                self->Refuse(400, "the request is not HTTP/1.1");
                              }
                            });
  }

 private:
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
    keep_alive_ = message.keep_alive();
    HttpResponse refusal;
    if (!handler_.Admit(request_, &refusal)) {
      // The body was not read, so what follows on this connection cannot be told apart.
      keep_alive_ =
          keep_alive_ && !parser_->chunked() && parser_->content_length().value_or(0) == 0;
      Write(std::move(refusal));
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
    HttpResponse response;
    try {
      response = handler_.Handle(request_);
    } catch (const std::exception&) {
      // A fault of ours; what it says may hold a part of the request, so it is not sent.
      response = {500, kBroken, true};
    }
    Write(std::move(response));
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
                          self->ReadHeader();
                        } else {
                          self->Close();
                        }
                      });
  }

  void Close() {
    beast::error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kHeaderBytesMax + 64 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  HttpRequest request_;
  bool keep_alive_ = false;
  HttpHandler& handler_;
  std::atomic<int>& open_;
};

class BeastServer : public HttpServer {
 public:
  explicit BeastServer(HttpHandler& handler)
      : handler_(handler), acceptor_(context_), pause_(context_) {}

  ~BeastServer() override {
    context_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Status Listen(const std::string& host, int port, int threads) {
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
    Accept();
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
    return Status::Ok();
  }

  int port() const override { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept(
        asio::make_strand(context_), [this](beast::error_code error, Tcp::socket socket) {
          // Above the limit the socket closes here, which the client sees.
          if (!error && open_.load() < kConnectionsMax && !ScarceAt(socket.native_handle())) {
            std::make_shared<Session>(std::move(socket), handler_, open_)->ReadHeader();
          }
          if (error == asio::error::operation_aborted) return;
          if (!error || error == asio::error::connection_aborted) {
            Accept();
          } else {
            AcceptLater();
          }
        });
  }
  /// Without the pause a thread would ask again and again for what the system has not.
  void AcceptLater() {
    pause_.expires_after(milliseconds(kAcceptPauseMs));
    pause_.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  HttpHandler& handler_;
  std::atomic<int> open_{0};  // outlives the sessions, which the context owns
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  int port_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& host, int port,
                                                      int threads, HttpHandler& handler) {
  auto server = std::make_unique<BeastServer>(handler);
  DCP_TRY(server->Listen(host, port, std::max(1, threads)));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace dcp::catalog
