// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client, over libcurl: one transfer for each caller's thread, looked at often enough that
// a caller who does not wait any more holds nothing up.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/mutex.h"
#include "catalog/http.h"
#include "os/peer.h"

namespace dcp::catalog {
namespace {

/// Upstreams are near; one that does not take a connection by then is down.
constexpr long kConnectMs = 5'000;  // NOLINT: curl wants long
/// Kept connections; more than are called at once.
constexpr size_t kIdleLinesMax = 32;
/// How often a transfer is looked at: whether its caller still waits, and whether it goes on.
constexpr int kLookMs = 50;
/// An answer that has begun brings this much in each such time. Slower, it is a fault that looks
/// like an answer, and would hold its caller until the end of all patience.
constexpr int64_t kSlowMs = 5'000;
constexpr uint64_t kSlowBytes = 5 * 1024;
/// What one answer may have: the metadata of a table with a hundred thousand snapshots.
constexpr size_t kReplyBytesMax = size_t{32} << 20;
/// What all answers of one upstream that are being received may have together.
constexpr size_t kRepliesBytesMax = size_t{128} << 20;
/// How long the outcome of a write that was sent is waited for when the daemon stops.
constexpr int64_t kLastWriteMs = 2'000;

void GlobalInit() {
  static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
  DCP_CHECK(kOnce == CURLE_OK);
}

/// One transfer at a time, and the connections that it leaves.
struct Line {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  int fd = -1;  ///< of the connection that was made last; curl closes it when it likes
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

struct HeaderList {
  curl_slist* head = nullptr;
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(head); }
  void Add(const std::string& line) { head = curl_slist_append(head, line.c_str()); }
};

std::string Seconds(int64_t milliseconds) {
  return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s"
                                  : std::to_string(milliseconds) + " ms";
}

int PortOf(const sockaddr_storage& address) {
  switch (address.ss_family) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    default:
      return -1;
  }
}

class Transfer {
 public:
  Transfer(Line& line, const HttpClient::Settings& settings, const std::atomic<bool>& stopping,
           std::atomic<size_t>& held, const Patience& patience)
      : line_(line),
        settings_(settings),
        stopping_(stopping),
        held_(held),
        patience_(patience),
        begun_(SystemClock().Steady()) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    curl_multi_remove_handle(line_.multi, line_.easy);  // closes what is unfinished
    curl_easy_reset(line_.easy);                        // forgets options, keeps connections
    held_ -= taken_;
  }

  Result<HttpReply> Run(const std::string& method, const std::string& url,
                        const std::string& body) {
    reads_ = method == "GET" || method == "HEAD";
    DCP_TRY(Ended());
    Prepare(method, url, body);
    curl_multi_add_handle(line_.multi, line_.easy);
    for (int running = 1;;) {
      curl_multi_perform(line_.multi, &running);
      if (running == 0) break;
      if (Status ended = Ended(); !ended.ok()) return ended;
      curl_multi_poll(line_.multi, nullptr, 0, kLookMs, nullptr);
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(line_.multi, &left);
    const CURLcode result = message == nullptr ? CURLE_OUT_OF_MEMORY : message->data.result;
    if (result != CURLE_OK) return Failed(result);
    long code = 0;  // NOLINT: curl wants long
    curl_easy_getinfo(line_.easy, CURLINFO_RESPONSE_CODE, &code);
    return HttpReply{static_cast<int>(code), std::move(body_)};
  }

 private:
  static size_t OnBody(char* data, size_t size, size_t count, void* out) {
    auto& self = *static_cast<Transfer*>(out);
    const size_t bytes = size * count;
    self.too_large_ = self.taken_ + bytes > kReplyBytesMax;
    self.too_many_ = !self.too_large_ && self.held_.fetch_add(bytes) + bytes > kRepliesBytesMax;
    if (self.too_many_) self.held_ -= bytes;
    if (self.too_large_ || self.too_many_) return 0;  // curl ends the transfer
    self.taken_ += bytes;
    self.body_.append(data, bytes);
    return bytes;
  }

  static int OnSocket(void* out, curl_socket_t fd, curlsocktype) {
    static_cast<Line*>(out)->fd = fd;
    return CURL_SOCKOPT_OK;
  }

  /// Between connecting and sending, also on a connection that is used again: the request holds a
  /// secret, and the port may be a neighbour's by now.
  static int OnConnected(void* out, char* remote, char* local, int remote_port, int local_port) {
    auto& self = *static_cast<Transfer*>(out);
    self.stranger_ = os::CheckPeer(local, local_port, remote, remote_port);
    self.sent_ = self.stranger_.ok();
    self.local_port_ = local_port;
    return self.sent_ ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }

  void Prepare(const std::string& method, const std::string& url, const std::string& body) {
    CURL* const curl = line_.easy;
    headers_.Add("Accept: application/json");
    // Waiting for "100 Continue" costs a second with servers that never say it.
    headers_.Add("Expect:");
    if (!settings_.secret.empty()) {
      headers_.Add(settings_.secret_header + ": " + settings_.secret.Reveal());
    }
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, &OnSocket);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, &line_);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, &OnConnected);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
    if (method == "HEAD") {
      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (method != "GET") {
      // On a connection that dies as it is used again, curl sends the request a second time. A
      // commit must go out once, or its outcome would be told wrongly.
      curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
      if (method != "DELETE") {
        headers_.Add("Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
      }
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.head);
  }

  /// Why the transfer is to be broken off now; OK when it is not.
  Status Ended() {
    if (reads_ || !sent_) {
      if (stopping_) return Unavailable("the daemon is stopping");
      if (patience_.gone && patience_.gone()) return Cancelled("the caller has gone");
      if (patience_.deadline > 0 && SystemClock().Steady() >= patience_.deadline) {
        return DeadlineExceeded(settings_.base + " did not answer in the time that was left (" +
                                Seconds(SystemClock().Steady() - begun_) + ")");
      }
    } else if (stopping_) {
      const SteadyMillis now = SystemClock().Steady();
      if (stopped_at_ == 0) stopped_at_ = now;
      if (now - stopped_at_ >= kLastWriteMs) {
        return Status(Code::kUnknown, settings_.base + " gave no answer before the daemon stopped");
      }
    }
    return TooSlow();
  }

  /// Bytes of the connection that have come so far, as the kernel counts them: curl tells of a
  /// header only when it is whole. Where the socket cannot be told, those of the body.
  uint64_t Received() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(line_.fd, reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
        PortOf(own) != local_port_) {
      return taken_;
    }
    tcp_info info{};
    size = sizeof info;
    constexpr size_t kNeeded =
        offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
    const bool known = ::getsockopt(line_.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    return known && size >= kNeeded ? info.tcpi_bytes_received : taken_;
  }

  Status TooSlow() {
    if (!sent_) return {};
    const uint64_t received = Received();
    const SteadyMillis now = SystemClock().Steady();
    if (!counted_) {
      counted_ = true;
      before_ = mark_ = received;
    }
    if (received == before_) {  // nothing of the answer has come
      mark_at_ = now;
      return {};
    }
    if (now - mark_at_ < kSlowMs) return {};
    if (received - mark_ < kSlowBytes) {
      return Status(reads_ ? Code::kUnavailable : Code::kUnknown,
                    settings_.base + " answers too slowly: " + std::to_string(received - mark_) +
                        " bytes in " + Seconds(now - mark_at_));
    }
    mark_ = received;
    mark_at_ = now;
    return {};
  }

  Status Failed(CURLcode result) const {
    const std::string& base = settings_.base;
    // As good as no server: ours may come back.
    if (!stranger_.ok()) return Unavailable(stranger_.message()).WithHint(stranger_.hint());
    std::string why = error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
    if (!sent_) return Unavailable(base + " does not answer: " + why);
    if (too_large_) {
      return Status(
          reads_ ? Code::kResourceExhausted : Code::kUnknown,
          base + " sends an answer of more than " + std::to_string(kReplyBytesMax) + " bytes");
    }
    if (too_many_) {
      return Status(reads_ ? Code::kResourceExhausted : Code::kUnknown,
                    base + " sends answers of more than " + std::to_string(kRepliesBytesMax) +
                        " bytes at once; try again");
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
      why = "it did not end within " + Seconds(settings_.timeout_ms);
    }
    return Status(reads_ ? Code::kUnavailable : Code::kUnknown,
                  base + " gave no whole answer: " + why);
  }

  Line& line_;
  const HttpClient::Settings& settings_;
  const std::atomic<bool>& stopping_;
  std::atomic<size_t>& held_;
  const Patience& patience_;
  const SteadyMillis begun_;
  HeaderList headers_;
  std::string body_;
  size_t taken_ = 0;  ///< bytes of it, counted in held_
  Status stranger_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  bool reads_ = false;
  bool sent_ = false;  ///< or begun to be
  int local_port_ = 0;
  bool too_large_ = false;
  bool too_many_ = false;
  SteadyMillis stopped_at_ = 0;
  bool counted_ = false;
  uint64_t before_ = 0;  ///< bytes that the connection brought for earlier requests
  uint64_t mark_ = 0;    ///< bytes when the speed was last looked at
  SteadyMillis mark_at_ = 0;
};

}  // namespace

struct HttpClient::Pool {
  Mutex mutex;
  std::vector<std::unique_ptr<Line>> idle DCP_GUARDED_BY(mutex);
  std::atomic<size_t> held{0};  ///< bytes of answers that are being received

  std::unique_ptr<Line> Take() {
    const MutexLock lock(mutex);
    if (idle.empty()) return std::make_unique<Line>();
    std::unique_ptr<Line> line = std::move(idle.back());
    idle.pop_back();
    return line;
  }
  void Give(std::unique_ptr<Line> line) {
    const MutexLock lock(mutex);
    if (idle.size() < kIdleLinesMax) idle.push_back(std::move(line));
  }
};

HttpClient::HttpClient(Settings settings, const std::atomic<bool>& stopping)
    : settings_(std::move(settings)), stopping_(stopping), pool_(std::make_unique<Pool>()) {
  GlobalInit();
}

HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::Call(const std::string& method, const std::string& path,
                                   const std::string& body, const Patience& patience) const {
  std::unique_ptr<Line> line = pool_->Take();
  if (line->multi == nullptr || line->easy == nullptr) {
    return Internal("cannot make an HTTP client: out of memory");
  }
  const std::string url = settings_.base + path;
  Result<HttpReply> reply = [&] {
    Transfer transfer(*line, settings_, stopping_, pool_->held, patience);
    return transfer.Run(method, url, body);
  }();
  pool_->Give(std::move(line));
  return reply;
}

}  // namespace dcp::catalog
