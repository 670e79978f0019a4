// SPDX-License-Identifier: Apache-2.0
//
// The plugin host: finds the instance that serves a call, and carries the call there.
#include "host/host.h"

#include <algorithm>
#include <utility>

#include "base/id.h"
#include "base/redaction.h"
#include "host/admin.h"
#include "host/changes.h"
#include "host/contract.h"

namespace dcp::host {
namespace {

/// Of an id that nobody configured, in a message.
constexpr size_t kShownIdMax = 80;

/// A call that is open on an instance.
class Visit {
 public:
  explicit Visit(Instance& instance) : instance_(instance), entered_(instance.Enter()) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (entered_) instance_.Exit();
  }
  bool entered() const { return entered_; }

 private:
  Instance& instance_;
  const bool entered_;
};

class PluginHost : public Host {
 public:
  PluginHost(Settings settings, std::unique_ptr<PluginStore> store)
      : changes_(std::move(settings), std::move(store)), admin_(changes_) {}

  Result<std::string> Resolve(const Target& target) const override {
    return Present()->router.Resolve(target);
  }

  Result<std::string> Call(const Target& target, const std::string& method,
                           const std::string& request_json, const CallOptions& options) override {
    for (;;) {
      const auto generation = Present();
      DCP_ASSIGN(const std::string id, generation->router.Resolve(target));
      Instance& instance = *generation->instances.at(id);  // CheckSettings saw to it
      const Visit visit(instance);
      // It left between two lines of ours; the generation that made it leave is there by now.
      if (!visit.entered()) continue;
      return Carry(instance, target.capability, method, request_json, options);
    }
  }

  Result<std::string> Call(const std::string& id, const std::string& capability,
                           const std::string& method, const std::string& request_json,
                           const CallOptions& options) override {
    for (;;) {
      const auto generation = Present();
      const auto found = generation->instances.find(id);
      if (found == generation->instances.end()) return NotConfigured(*generation, id);
      const Visit visit(*found->second);
      if (!visit.entered()) continue;
      return Carry(*found->second, capability, method, request_json, options);
    }
  }

  Result<Reloaded> Reload(Settings settings, const std::function<bool()>& cancelled) override {
    const auto one_at_a_time = changes_.Begin();
    return changes_.Apply(std::move(settings), {}, cancelled);
  }

  std::vector<InstanceState> States() const override { return admin_.States(); }

  std::vector<InstanceMetrics> Metrics() const override {
    std::vector<InstanceMetrics> all;
    const auto generation = Present();
    for (const auto& [id, instance] : generation->instances) all.push_back(instance->Metrics());
    return all;
  }

  Result<std::shared_ptr<Journal>> JournalOf(const std::string& id) const override {
    const auto generation = Present();
    const auto found = generation->instances.find(id);
    if (found != generation->instances.end()) return found->second->journal();
    std::vector<std::string> names;
    for (const auto& [name, instance] : generation->instances) names.push_back(name);
    // A text that is no name is not worth comparing.
    const std::string near = id.size() > kShownIdMax ? "" : Nearest(id, names);
    return NotFound("there is no plugin instance \"" + id.substr(0, kShownIdMax) + "\"")
        .WithId("PZ0909")
        .WithHint(near.empty() ? "`pretzel status` lists them" : "did you mean " + near + "?");
  }

  Result<PluginDescription> Describe(const std::string& name) override {
    return admin_.Describe(name);
  }

  Status Restart(const std::string& id) override {
    const auto generation = Present();
    const auto found = generation->instances.find(id);
    if (found == generation->instances.end()) return NotFound("there is no plugin instance " + id);
    DCP_TRY(found->second->Restart());
    changes_.Wake();
    return {};
  }

  PluginList Plugins() override { return admin_.List(); }
  Result<PluginInfo> Plugin(const std::string& name) override { return admin_.Get(name); }
  Result<std::string> IncomingPath() const override { return admin_.IncomingPath(); }
  Result<PluginVersion> Install(const std::string& incoming, const std::string& source,
                                const std::string& by, const std::string& sha256, std::string& id,
                                bool& existed) override {
    return admin_.Install(incoming, source, by, sha256, id, existed);
  }
  Result<std::vector<VerifiedFile>> Verify(const std::string& name) override {
    return admin_.Verify(name);
  }
  Result<std::vector<Swapped>> ReloadPlugin(const std::string& name, const std::string& sha256,
                                            const std::string& by,
                                            const std::function<bool()>& cancelled) override {
    return admin_.Reload(name, sha256, by, cancelled);
  }
  Result<std::vector<std::string>> SetDisabled(const std::string& name, bool disabled,
                                               const std::string& reason,
                                               const std::string& by) override {
    return admin_.SetDisabled(name, disabled, reason, by);
  }

 private:
  std::shared_ptr<const Generation> Present() const { return changes_.Present(); }

  static Status NotConfigured(const Generation& generation, const std::string& id) {
    return FailedPrecondition(
               "the plugin instance \"" + id +
               "\" is not configured any more; configured: " + KnownInstances(generation))
        .WithHint("configure it again and reload, or start the work anew");
  }

  static Result<std::string> Carry(Instance& instance, const std::string& capability,
                                   const std::string& method, const std::string& request_json,
                                   const CallOptions& options) {
    CountedCall counted(instance.counters());
    Result<std::string> answer = CarryOut(instance, capability, method, request_json, options);
    counted.End(answer.ok() ? Code::kOk : answer.status().code());
    // An answer that is well may have to hold a token, as the files of a job do; a failure's words
    // go to people.
    if (!answer.ok()) return Redact(answer.status());
    return answer;
  }

  static Result<std::string> CarryOut(Instance& instance, const std::string& capability,
                                      const std::string& method, const std::string& request_json,
                                      const CallOptions& options) {
    const Manifest* manifest = instance.manifest();
    if (manifest == nullptr) return instance.Call(method, "", options).status();
    DCP_TRY(CheckOffered(instance, capability, method));
    DCP_ASSIGN(const std::string request,
               Contract::EncodeRequest(capability, method, request_json, manifest->encoding));
    DCP_ASSIGN(const Reply reply, instance.Call(method, request, options));
    const std::string who = instance.Who() + ": " + method;
    if (reply.code != Code::kOk && !reply.from_plugin) {
      // The worker's own words about a death name the plugin already.
      const bool named = reply.body.rfind("plugin ", 0) == 0;
      return Status(reply.code, named ? reply.body : who + ": " + reply.body)
          .WithLogTail(reply.log_tail);
    }
    if (reply.code != Code::kOk) {
      return Contract::DecodeError(reply.code, reply.body, manifest->encoding, who);
    }
    return Contract::DecodeResponse(capability, method, reply.body, manifest->encoding)
        .With(instance.Who());
  }

  static Status CheckOffered(const Instance& instance, const std::string& capability,
                             const std::string& method) {
    const Capability* offered = instance.manifest()->FindCapability(capability);
    if (offered == nullptr) {
      std::string names;
      for (const Capability& c : instance.manifest()->capabilities) names += " " + c.name;
      return FailedPrecondition(instance.Who() + " does not offer " + capability +
                                "; it offers:" + names)
          .WithHint("route " + capability + " to another instance");
    }
    const auto& methods = offered->methods;
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) return Status::Ok();
    std::string names;
    for (const std::string& name : methods) names += " " + name;
    return Unimplemented(instance.Who() + " has no method " + capability + "." + method +
                         "; it has:" + names);
  }

  Changes changes_;
  Admin admin_;
};

}  // namespace

Result<std::unique_ptr<Host>> Host::Start(Settings settings) {
  DCP_TRY(CheckSettings(settings));
  DCP_ASSIGN(auto store, PluginStore::Open(settings.store_directory));
  return std::unique_ptr<Host>(std::make_unique<PluginHost>(std::move(settings), std::move(store)));
}

}  // namespace dcp::host
