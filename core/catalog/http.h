// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 as this room needs it: a server for the façade and a client for the upstreams. JSON
// bodies only. The libraries behind both stay in their .cc files.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

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
/// Descriptors that connections here leave to the rest of the process: its store, its API (whose
/// library stops listening for good when it finds none), its upstreams and what it starts.
constexpr int kDescriptorsReserved = 64;
/// How long accepting rests when the system has no descriptor, no memory or no buffer for it.
constexpr int64_t kAcceptPauseMs = 100;
/// An idle connection is closed after this; pools of clients keep them for about as long.
constexpr int64_t kIdleMs = 120'000;
/// A request that has begun must be there within this, so that slow senders hold nothing.
constexpr int64_t kReadMs = 30'000;

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

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Looks at a request whose body was not read yet; true lets it in, false fills `refusal`.
  /// Nothing that blocks. [any]
  virtual bool Admit(const HttpRequest& head, HttpResponse* refusal) = 0;
  /// May block on upstreams. [any]
  virtual HttpResponse Handle(const HttpRequest& request) = 0;
};

class HttpServer {
 public:
  /// Listens when it returns; UNAVAILABLE when the port is taken. `handler` outlives the server.
  static Result<std::unique_ptr<HttpServer>> Start(const std::string& host, int port, int threads,
                                                   HttpHandler& handler);
  virtual ~HttpServer() = default;  ///< Closes every connection and joins the threads.
  virtual int port() const = 0;
};

struct HttpReply {
  int code = 0;
  std::string body;
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

  HttpClient(Settings settings, const std::atomic<bool>& cancelled);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// UNAVAILABLE when the request never reached the server; UNKNOWN when it may have, but no whole
  /// answer came back. Redirects are not followed and no proxy is used. [any] block
  Result<HttpReply> Call(const std::string& method, const std::string& path,
                         const std::string& body) const;

 private:
  struct Pool;
  Settings settings_;
  const std::atomic<bool>& cancelled_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace dcp::catalog
