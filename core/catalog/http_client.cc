// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client, over libcurl.
#include <curl/curl.h>

#include <array>
#include <utility>

#include "base/mutex.h"
#include "catalog/http.h"
#include "os/peer.h"

namespace dcp::catalog {
namespace {

/// Upstreams are near; one that does not take a connection by then is down.
constexpr long kConnectMs = 5'000;  // NOLINT: curl wants long
/// Kept connections; more than the server's threads never call at once.
constexpr size_t kIdleHandlesMax = 32;

size_t OnBody(char* data, size_t size, size_t count, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size * count > limits::kMessageBytesMax) return 0;  // curl ends the transfer
  body.append(data, size * count);
  return size * count;
}

int OnProgress(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
}

/// Between connecting and sending, also on a connection that is used again: the request holds a
/// secret, and the port may be a neighbour's by now.
int OnConnected(void* refusal, char* remote, char* local, int remote_port, int local_port) {
  auto& status = *static_cast<Status*>(refusal);
  status = os::CheckPeer(local, local_port, remote, remote_port);
  return status.ok() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/// Whether a failure says that the server cannot have seen the request.
bool NeverSent(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
         code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

struct HeaderList {
  curl_slist* head = nullptr;
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(head); }
  void Add(const std::string& line) { head = curl_slist_append(head, line.c_str()); }
};

void GlobalInit() {
  static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
  DCP_CHECK(kOnce == CURLE_OK);
}

}  // namespace

struct HttpClient::Pool {
  Mutex mutex;
  std::vector<CURL*> idle DCP_GUARDED_BY(mutex);

  ~Pool() {
    for (CURL* handle : idle) curl_easy_cleanup(handle);
  }
  CURL* Take() {
    const MutexLock lock(mutex);
    if (idle.empty()) return curl_easy_init();
    CURL* handle = idle.back();
    idle.pop_back();
    return handle;
  }
  void Give(CURL* handle) {
    curl_easy_reset(handle);  // forgets options, keeps connections
    const MutexLock lock(mutex);
    if (idle.size() < kIdleHandlesMax) {
      idle.push_back(handle);
    } else {
      curl_easy_cleanup(handle);
    }
  }
};

HttpClient::HttpClient(Settings settings, const std::atomic<bool>& cancelled)
    : settings_(std::move(settings)), cancelled_(cancelled), pool_(std::make_unique<Pool>()) {
  GlobalInit();
}

HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::Call(const std::string& method, const std::string& path,
                                   const std::string& body) const {
  CURL* curl = pool_->Take();
  if (curl == nullptr) return Internal("cannot make an HTTP client: out of memory");
  const std::string url = settings_.base + path;
  HeaderList headers;
  headers.Add("Accept: application/json");
  headers.Add(
      "Expect:");  // waiting for "100 Continue" costs a second with servers that never say it
  if (!settings_.secret.empty()) {
    headers.Add(settings_.secret_header + ": " + settings_.secret.Reveal());
  }
  HttpReply reply;
  Status stranger;
  std::array<char, CURL_ERROR_SIZE> error{};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, &OnConnected);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, &stranger);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled_));
  if (method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    // On a connection that dies as it is used again, curl sends the request a second time. A
    // commit must go out once, or its outcome would be told wrongly.
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
    if (method != "DELETE") {
      headers.Add("Content-Type: application/json");
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    }
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.head);
  const CURLcode result = curl_easy_perform(curl);
  long code = 0;  // NOLINT: curl wants long
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  pool_->Give(curl);
  if (result == CURLE_OK) {
    reply.code = static_cast<int>(code);
    return reply;
  }
  // As good as no server: ours may come back.
  if (!stranger.ok()) return Unavailable(stranger.message()).WithHint(stranger.hint());
  const std::string why = error[0] != '\0' ? error.data() : curl_easy_strerror(result);
  if (NeverSent(result)) return Unavailable(settings_.base + " does not answer: " + why);
  return Status(Code::kUnknown, settings_.base + " gave no whole answer: " + why);
}

}  // namespace dcp::catalog
