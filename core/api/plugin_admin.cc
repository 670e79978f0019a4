// SPDX-License-Identifier: Apache-2.0
#include "api/plugin_admin.h"

#include <fcntl.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "api/shown.h"
#include "dcp/v1/plugins.grpc.pb.h"
#include "host/plugin_store.h"

namespace dcp::api {
namespace {

constexpr size_t kNameBytesMax = 200;

Status CheckHosted(const ServiceContext& context) {
  return context.deps.host != nullptr ? Status() : Unavailable("this daemon hosts no plugins");
}

Result<Caller> Operator(const ServiceContext& context, const grpc::ServerContextBase& call,
                        const std::string& what) {
  DCP_ASSIGN(auto who, CallerOf(context, call));
  DCP_TRY(CheckOperator(who, what));
  DCP_TRY(CheckHosted(context));
  return who;
}

/// A name that is longer than any is not compared with all there are.
Status CheckName(const std::string& name, bool may_be_empty) {
  if (name.empty() && !may_be_empty) return InvalidArgument("no plugin is named");
  if (name.size() <= kNameBytesMax) return {};
  return InvalidArgument("a plugin's name has at most " + std::to_string(kNameBytesMax) +
                         " bytes, this has " + std::to_string(name.size()));
}

/// Where files lie, who installed them and why one does not run is for operators.
void Fill(const playground::Principal& who, const host::PluginVersion& version,
          v1::PluginVersion* out) {
  out->set_version(version.version);
  out->set_sha256(version.sha256);
  out->set_origin(version.origin);
  out->set_selected(version.selected);
  out->set_installed_at(version.installed_at);
  if (who.is_operator) {
    out->set_path(version.path);
    out->set_installed_by(version.installed_by);
  }
  for (const std::string& capability : version.capabilities) out->add_capabilities(capability);
}

void Fill(const playground::Principal& who, const host::PluginInfo& info, v1::Plugin* out) {
  out->set_id(info.id);
  for (const host::PluginVersion& version : info.versions) Fill(who, version, out->add_versions());
  for (const host::InstanceState& state : info.instances) {
    v1::PluginInstance* instance = out->add_instances();
    instance->set_id(state.id);
    instance->set_state(state.state);
    instance->set_detail(ReasonFor(who, state.detail));
    instance->set_version(state.version);
    instance->set_sha256(state.sha256);
    if (who.is_operator) instance->set_path(state.path);
    instance->set_isolation(state.isolation);
    instance->set_pid(state.pid);
    instance->set_restarts(state.restarts);
    instance->set_unconfined(state.unconfined);
    for (const std::string& route : state.routes) instance->add_routes(route);
  }
}

/// A file that grows while it comes in, and is gone again unless somebody takes it.
class Incoming {
 public:
  explicit Incoming(std::string path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500)) {}
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() {
    Close();
    std::error_code ignored;  // it is not there when it was taken
    std::filesystem::remove(path_, ignored);
  }

  const std::string& path() const { return path_; }
  Status Opened() const { return fd_ >= 0 ? Status() : FromErrno(errno, "cannot make " + path_); }
  Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FromErrno(errno, "cannot write " + path_);
      bytes.remove_prefix(static_cast<size_t>(put));
      size_ += static_cast<uint64_t>(put);
    }
    return {};
  }
  uint64_t size() const { return size_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  const std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

Status Receive(grpc::ServerReader<v1::InstallPluginRequest>& stream,
               const v1::InstallPluginHeader& header, Incoming& file) {
  v1::InstallPluginRequest part;
  while (stream.Read(&part)) {
    if (!part.has_chunk()) return InvalidArgument("a second header came among the file's parts");
    if (file.size() + part.chunk().size() > header.size()) {
      return InvalidArgument(header.file_name() + " has more than the " +
                             std::to_string(header.size()) + " bytes that were announced");
    }
    DCP_TRY(file.Write(part.chunk()));
  }
  file.Close();
  if (file.size() == header.size()) return {};
  return InvalidArgument(header.file_name() + ": " + std::to_string(file.size()) + " of " +
                         std::to_string(header.size()) + " bytes came");
}

}  // namespace

Status MissingFor(const playground::Principal& who, const Status& missing,
                  const std::string& name) {
  if (who.is_operator || missing.code() != Code::kNotFound) return missing;
  return NotFound("there is no plugin or instance \"" + name.substr(0, kNameBytesMax) + "\"")
      .WithId(missing.id())
      .WithHint("`pretzel plugin list` shows what there is");
}

Status ListPlugins(ServiceContext& context, const grpc::ServerContextBase& call,
                   v1::ListPluginsResponse* answer) {
  DCP_ASSIGN(const auto who, CallerOf(context, call));
  DCP_TRY(CheckHosted(context));
  const host::PluginList list = context.deps.host->Plugins();
  for (const host::PluginInfo& info : list.plugins) Fill(who, info, answer->add_plugins());
  if (!who.is_operator) return {};
  for (const host::RefusedFile& refused : list.refused) {
    v1::RefusedFile* out = answer->add_refused();
    out->set_path(refused.path);
    out->set_reason(refused.reason);
  }
  return {};
}

Status GetPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                 const v1::GetPluginRequest& request, v1::Plugin* answer) {
  DCP_ASSIGN(const auto who, CallerOf(context, call));
  DCP_TRY(CheckHosted(context));
  DCP_TRY(CheckName(request.name(), false));
  const auto info = context.deps.host->Plugin(request.name());
  if (!info.ok()) return MissingFor(who, info.status(), request.name());
  Fill(who, *info, answer);
  return {};
}

Status InstallPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                     grpc::ServerReader<v1::InstallPluginRequest>& stream,
                     v1::InstallPluginResponse* answer) {
  DCP_ASSIGN(const auto who, Operator(context, call, "install a plugin"));
  v1::InstallPluginRequest first;
  if (!stream.Read(&first) || !first.has_header()) {
    return InvalidArgument("the first message must hold the file's header");
  }
  const v1::InstallPluginHeader& header = first.header();
  DCP_TRY(CheckName(header.file_name(), false));
  if (header.size() > static_cast<uint64_t>(host::kPluginFileBytesMax)) {
    return ResourceExhausted(header.file_name() + " has " + std::to_string(header.size()) +
                             " bytes, a plugin may have " +
                             std::to_string(host::kPluginFileBytesMax))
        .WithHint("leave debug information out of it (strip -g)");
  }
  DCP_ASSIGN(std::string path, context.deps.host->IncomingPath());
  Incoming file(std::move(path));
  DCP_TRY(file.Opened());
  DCP_TRY(Receive(stream, header, file));
  std::string id;
  bool existed = false;
  DCP_ASSIGN(const host::PluginVersion version,
             context.deps.host->Install(file.path(), header.file_name(), who.user, header.sha256(),
                                        id, existed));
  answer->set_id(id);
  answer->set_existed(existed);
  Fill(who, version, answer->mutable_version());
  return {};
}

Status VerifyPlugins(ServiceContext& context, const grpc::ServerContextBase& call,
                     const v1::VerifyPluginsRequest& request, v1::VerifyPluginsResponse* answer) {
  DCP_TRY(Operator(context, call, "verify plugins").status());
  DCP_TRY(CheckName(request.name(), true));
  DCP_ASSIGN(const auto files, context.deps.host->Verify(request.name()));
  for (const host::VerifiedFile& file : files) {
    v1::VerifiedFile* out = answer->add_files();
    out->set_id(file.id);
    out->set_path(file.path);
    out->set_sha256(file.sha256);
    out->set_result(file.result);
    out->set_detail(file.detail);
  }
  return {};
}

Status ReloadPlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                    const std::function<bool()>& cancelled, const v1::ReloadPluginRequest& request,
                    v1::ReloadPluginResponse* answer) {
  DCP_ASSIGN(const auto who, Operator(context, call, "reload a plugin"));
  DCP_TRY(CheckName(request.name(), false));
  const auto swapped =
      context.deps.host->ReloadPlugin(request.name(), request.sha256(), who.user, cancelled);
  if (!swapped.ok()) return ForOperator(swapped.status());
  for (const host::Swapped& each : *swapped) {
    v1::ReloadedInstance* out = answer->add_instances();
    out->set_id(each.id);
    out->set_before(each.before);
    out->set_after(each.after);
    out->set_version_before(each.version_before);
    out->set_version_after(each.version_after);
  }
  return {};
}

Status DisablePlugin(ServiceContext& context, const grpc::ServerContextBase& call,
                     const v1::DisablePluginRequest& request, v1::DisablePluginResponse* answer) {
  const char* const what = request.enable() ? "enable a plugin" : "disable a plugin";
  DCP_ASSIGN(const auto who, Operator(context, call, what));
  DCP_TRY(CheckName(request.name(), false));
  DCP_ASSIGN(const auto ids, context.deps.host->SetDisabled(request.name(), !request.enable(),
                                                            request.reason(), who.user));
  for (const std::string& id : ids) answer->add_instances(id);
  return {};
}

}  // namespace dcp::api
