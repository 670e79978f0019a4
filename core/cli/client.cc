// SPDX-License-Identifier: Apache-2.0
//
// The API's client over gRPC.
#include "cli/client.h"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>

#include "base/limits.h"
#include "cli/client_stubs.h"

namespace dcp::cli {
namespace {

constexpr size_t kTokenBytesMax = 4096;
constexpr int kConnectMs = 5'000;
constexpr size_t kSocketPathBytesMax = 107;  // what a Unix address holds
constexpr int kPortMax = 65'535;

/// "127.0.0.1:" with digits behind it that are a port.
bool HasPort(std::string_view endpoint) {
  const std::string_view digits = endpoint.substr(endpoint.rfind(':') + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port > 0 &&
         port <= kPortMax;
}

/// gRPC ends the program over a header that holds anything else.
bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kTokenBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// gRPC's words for a call that finds its server at work with as many as it may.
constexpr char kNoThread[] = "Threadpool Exhausted";

std::string DaemonHint(const std::string& endpoint) {
  return "is dcpd running, and is this its address? (" + endpoint +
         "; scripts/stack status tells, --endpoint or PRETZEL_ENDPOINT choose another)";
}

}  // namespace

Status FromGrpc(const grpc::Status& status, const std::string& endpoint) {
  if (status.ok()) return {};
  Status result(CodeFromInt(status.error_code()), status.error_message());
  v1::ErrorDetails details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    return std::move(result)
        .WithId(details.id())
        .WithHint(details.hint())
        .At({details.file(), details.line(), details.column()});
  }
  switch (result.code()) {  // made by gRPC itself, so in its words
    case Code::kUnavailable:
      return Unavailable("dcpd does not answer at " + endpoint + ": " + result.message())
          .WithHint(DaemonHint(endpoint));
    case Code::kDeadlineExceeded:
      return DeadlineExceeded("dcpd at " + endpoint + " did not answer in time")
          .WithHint("pretzel status shows whether its parts are well");
    case Code::kResourceExhausted:
      if (result.message().find(kNoThread) == std::string::npos) return result;  // a message's size
      return ResourceExhausted("dcpd serves as many calls as it may: " + result.message())
          .WithId(kNotNowId)
          .WithHint("try again in a moment");
    case Code::kUnimplemented:
      return Unimplemented("dcpd at " + endpoint + " does not know this call")
          .WithHint("it is older than this pretzel: upgrade it");
    default:
      return result;
  }
}

Status CheckEndpoint(const std::string& endpoint) {
  const Status wrong = InvalidArgument("\"" + endpoint.substr(0, 200) + "\" is not an endpoint")
                           .WithHint("write unix:/absolute/path or 127.0.0.1:PORT");
  if (endpoint.starts_with("unix:/")) {
    const size_t length = endpoint.size() - std::string_view("unix:").size();
    if (length <= kSocketPathBytesMax) return {};
    return InvalidArgument("the socket's path has " + std::to_string(length) +
                           " bytes; an address holds " + std::to_string(kSocketPathBytesMax))
        .WithHint("give it a shorter name: a symbolic link will do");
  }
  for (const char* host : {"127.0.0.1:", "[::1]:", "localhost:"}) {
    if (endpoint.starts_with(host)) return HasPort(endpoint) ? Status() : wrong;
  }
  if (endpoint.starts_with("unix:") || endpoint.find(':') == std::string::npos ||
      endpoint.find("://") != std::string::npos) {
    return wrong;
  }
  return PermissionDenied("\"" + endpoint +
                          "\" is another machine, and the token would travel in clear")
      .WithHint("forward its socket with ssh -L, and give the local end");
}

Result<Secret> ReadTokenFile(const std::string& path) {
  const std::string hint =
      "PRETZEL_TOKEN_FILE or tokenFile in the config names the file that dcpd "
      "wrote at its first start";
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return Unauthenticated(errno == ENOENT ? "there is no token file " + path
                                           : FromErrno(errno, "reading " + path).message())
        .WithHint(hint);
  }
  if (!S_ISREG(info.st_mode)) return Unauthenticated(path + " is not a file").WithHint(hint);
  if ((info.st_mode & 077) != 0) {
    return Unauthenticated("other users may read the token file " + path)
        .WithHint("chmod 600 " + path + ", and have the token replaced if they are not trusted");
  }
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  if (!IsToken(token)) {
    return Unauthenticated("the token file " + path + " holds no token").WithHint(hint);
  }
  return Secret(token);
}

void Prepare(grpc::ClientContext& context, const Secret& token, int64_t timeout_ms) {
  context.AddMetadata("authorization", "Bearer " + token.Reveal());
  if (timeout_ms > 0) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms));
  }
}

Client::Client(std::string endpoint, const Secret& token)
    : stubs_(std::make_unique<Stubs>(Stubs{std::move(endpoint), token, {}, {}, {}, {}, {}})) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Connect(const std::string& endpoint, const Secret& token) {
  DCP_TRY(CheckEndpoint(endpoint));
  if (!IsToken(token.Reveal())) {
    return Unauthenticated(
               "the token is none: it holds other characters than visible ASCII, or is "
               "longer than " +
               std::to_string(kTokenBytesMax) + " bytes")
        .WithHint("PRETZEL_TOKEN is the text of the file that dcpd wrote, without its line end");
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // never through a proxy: it is this machine
  // In spite of its name it bounds one attempt to connect. A socket that nobody listens to is told
  // at once; a daemon on a machine that is busy may need a while to say its first word.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  const auto channel =
      grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
  std::unique_ptr<Client> client(new Client(endpoint, token));
  client->stubs_->channel = channel;
  client->stubs_->playgrounds = v1::Playgrounds::NewStub(channel);
  client->stubs_->runs = v1::Runs::NewStub(channel);
  client->stubs_->system = v1::System::NewStub(channel);
  client->stubs_->plugins = v1::Plugins::NewStub(channel);
  return client;
}

bool Client::Reached() {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(kConnectMs);
  for (bool connect = true;; connect = false) {
    const grpc_connectivity_state state = stubs_->channel->GetState(connect);
    if (state == GRPC_CHANNEL_READY) return true;
    // Nobody listens there: no reason to wait.
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!stubs_->channel->WaitForStateChange(state, deadline)) return false;
  }
}

Result<v1::Playground> Client::CreatePlayground(const v1::CreatePlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::CreatePlayground, request);
}
Result<v1::Playground> Client::GetPlayground(const v1::GetPlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::GetPlayground, request);
}
Result<v1::ListPlaygroundsResponse> Client::ListPlaygrounds(
    const v1::ListPlaygroundsRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::ListPlaygrounds, request);
}
Result<v1::Run> Client::DeletePlayground(const v1::DeletePlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::DeletePlayground, request);
}
Result<v1::DeletionPreview> Client::PreviewDeletePlayground(
    const v1::PreviewDeletePlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::PreviewDeletePlayground,
                      request);
}
Result<v1::Playground> Client::UpdatePlayground(const v1::UpdatePlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::UpdatePlayground, request);
}
Result<v1::Playground> Client::RestorePlayground(const v1::RestorePlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::RestorePlayground, request);
}
Result<v1::Playground> Client::ExtendPlayground(const v1::ExtendPlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::ExtendPlayground, request);
}
Result<v1::ConnectPlaygroundResponse> Client::ConnectPlayground(
    const v1::ConnectPlaygroundRequest& request) {
  return stubs_->Call(*stubs_->playgrounds, &v1::Playgrounds::Stub::ConnectPlayground, request);
}
Result<v1::Run> Client::StartRun(const v1::StartRunRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::StartRun, request);
}
Result<v1::OutlineManifestsResponse> Client::OutlineManifests(
    const v1::OutlineManifestsRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::OutlineManifests, request, kOutlineTimeoutMs);
}
Result<v1::Run> Client::GetRun(const v1::GetRunRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::GetRun, request);
}
Result<v1::ListRunsResponse> Client::ListRuns(const v1::ListRunsRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::ListRuns, request);
}
Result<v1::Run> Client::CancelRun(const v1::CancelRunRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::CancelRun, request);
}
Result<v1::AbandonRunResponse> Client::AbandonRun(const v1::AbandonRunRequest& request) {
  return stubs_->Call(*stubs_->runs, &v1::Runs::Stub::AbandonRun, request);
}
Result<v1::WhoAmIResponse> Client::WhoAmI(const v1::WhoAmIRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::WhoAmI, request);
}
Result<v1::GetStatusResponse> Client::GetStatus(const v1::GetStatusRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::GetStatus, request);
}
Result<v1::RestartServiceResponse> Client::RestartService(
    const v1::RestartServiceRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::RestartService, request);
}
Result<v1::DoctorResponse> Client::Doctor(const v1::DoctorRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::Doctor, request, kDoctorTimeoutMs);
}
Result<v1::ReloadResponse> Client::Reload(const v1::ReloadRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::Reload, request, kReloadTimeoutMs);
}
Result<v1::GcResponse> Client::Gc(const v1::GcRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::Gc, request, kSweepTimeoutMs);
}

Result<v1::SweepResponse> Client::Sweep(const v1::SweepRequest& request) {
  return stubs_->Call(*stubs_->system, &v1::System::Stub::Sweep, request, kSweepTimeoutMs);
}

Status Client::WatchRun(const v1::WatchRunRequest& request, int64_t timeout_ms,
                        const std::function<bool(const v1::RunEvent&)>& take,
                        const std::function<void(std::function<void()> cancel)>& started) {
  // Shared: an interrupt may come while the call ends.
  const auto context = std::make_shared<grpc::ClientContext>();
  Prepare(*context, stubs_->token, timeout_ms);
  const auto reader = stubs_->runs->WatchRun(context.get(), request);
  if (started) started([context] { context->TryCancel(); });
  v1::RunEvent event;
  bool more = true;
  while (more && reader->Read(&event)) more = take(event);
  if (!more) {
    context->TryCancel();
    while (reader->Read(&event)) {
    }
    [[maybe_unused]] const grpc::Status ended = reader->Finish();
    return {};
  }
  return FromGrpc(reader->Finish(), stubs_->endpoint);
}

Status Client::GetRunLogs(const v1::GetRunLogsRequest& request,
                          const std::function<void(const v1::LogChunk&)>& take) {
  grpc::ClientContext context;
  Prepare(context, stubs_->token, 0);
  const auto reader = stubs_->runs->GetRunLogs(&context, request);
  v1::LogChunk chunk;
  while (reader->Read(&chunk)) take(chunk);
  return FromGrpc(reader->Finish(), stubs_->endpoint);
}

}  // namespace dcp::cli
