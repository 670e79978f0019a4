// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 as this room needs it: a server for the façade and a client for the upstreams. JSON
// bodies only. The libraries behind both stay in their .cc files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/secret.h"

namespace dcp::catalog {

/// A request's body. Commits carry a schema and a snapshot, not data: the widest stay below 1 MiB.
constexpr size_t kRequestBodyBytesMax = limits::kRequestBytesMax;
/// All header lines of one request. Ours are a token and what an HTTP library sends by itself.
constexpr uint32_t kHeaderBytesMax = 16 * 1024;
/// Open connections. Every Spark session keeps a few; beyond this a client leaks them.
constexpr int kConnectionsMax = 512;
/// Those of one principal: half, so that no one of them can take all.
constexpr int kConnectionsPerPrincipalMax = kConnectionsMax / 2;
/// Descriptors that connections here leave to the rest of the process: its store, its API (whose
/// library stops listening for good when it finds none), its upstreams and what it starts.
constexpr int kDescriptorsReserved = 64;
/// How long accepting rests when the system has no descriptor, no memory or no buffer for it.
constexpr int64_t kAcceptPauseMs = 100;
/// An idle connection is closed after this; pools of clients keep them for about as long.
constexpr int64_t kIdleMs = 120'000;
/// One that has not shown a good token yet: a client connects when it has something to ask.
constexpr int64_t kFirstByteMs = 10'000;
/// A header that has begun is in one packet or two: this is for lost ones.
constexpr int64_t kHeaderMs = 5'000;
/// Bodies that are being received or handled: together, and those of one principal. More are told
/// to come again, before they are read.
constexpr size_t kBodiesBytesMax = size_t{256} << 20;
constexpr size_t kBodiesPerPrincipalBytesMax = size_t{64} << 20;
/// A request's body must be there within this after its header, so that slow senders hold nothing;
/// an answer must be taken within it.
constexpr int64_t kReadMs = 30'000;
/// Requests that wait for a thread. Threads are as many as can be at work at once, so this is for
/// moments in which the machine is slower than its clients.
constexpr size_t kWaitingRequestsMax = 256;
/// How long the server's end waits until the last answers are sent.
constexpr int64_t kLastAnswersMs = 500;

struct HttpRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

struct HttpResponse {
  int code = 200;
  std::string body;
  bool close = false;  ///< the connection is of no further use
};

/// What a request's header is worth.
struct Admission {
  bool admitted = false;
  std::string principal;  ///< of the one who is admitted; shares are counted by it
  HttpResponse refusal;   ///< of the one who is not
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Looks at a request whose body was not read yet. Nothing that blocks. [any]
  virtual Admission Admit(const HttpRequest& head) = 0;
  /// May block on upstreams. `gone` tells that the client has closed its connection: nobody waits
  /// for the answer. [any]
  virtual HttpResponse Handle(const HttpRequest& request, const std::function<bool()>& gone) = 0;
  /// The answer to a request that finds no room; it was not looked at. [any]
  virtual HttpResponse Busy(const HttpRequest& request) = 0;
};

class HttpServer {
 public:
  /// Listens when it returns; UNAVAILABLE when the port is taken. At most `workers` requests are
  /// handled at once, half of them one principal's. `handler` outlives the server.
  static Result<std::unique_ptr<HttpServer>> Start(const std::string& host, int port, int workers,
                                                   HttpHandler& handler);
  /// Takes no new request, waits for those that are being handled, closes every connection.
  virtual ~HttpServer() = default;
  virtual int port() const = 0;
};

struct HttpReply {
  int code = 0;
  std::string body;
};

/// Until when somebody wants the answer to a call.
struct Patience {
  std::function<bool()> gone = {};  ///< nobody waits any more; empty: somebody does. [any]
  SteadyMillis deadline = 0;        ///< of SystemClock(); 0: as long as an answer may take
};

/// One base address; connections are kept and used again by any thread.
class HttpClient {
 public:
  struct Settings {
    std::string base;  ///< "http://127.0.0.1:8181"
    std::string secret_header;
    Secret secret;
    int64_t timeout_ms = 30'000;
  };

  /// `stopping` ends reads at once, and writes that were sent after a grace time.
  HttpClient(Settings settings, const std::atomic<bool>& stopping);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Redirects are not followed and no proxy is used. A read (GET, HEAD) ends when patience does.
  /// A write that is under way does not: its outcome is waited for. Fails with
  /// - UNAVAILABLE: the request never reached the server, or it was a read and no whole answer
  /// came;
  /// - CANCELLED, DEADLINE_EXCEEDED: patience ended; a write was not sent;
  /// - RESOURCE_EXHAUSTED: the answer to a read is larger than may be held;
  /// - UNKNOWN: a write may have reached the server, but no whole answer came back.
  /// [any] block
  Result<HttpReply> Call(const std::string& method, const std::string& path,
                         const std::string& body, const Patience& patience = {}) const;

 private:
  struct Pool;
  Settings settings_;
  const std::atomic<bool>& stopping_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace dcp::catalog
