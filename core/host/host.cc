// SPDX-License-Identifier: Apache-2.0
//
// The plugin host: puts discovery, instances, routes and the contract together.
#include "host/host.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "host/contract.h"
#include "host/instance.h"
#include "host/registry.h"
#include "host/router.h"
#include "host/supervision.h"
#include "log/log.h"

namespace dcp::host {
namespace {

/// What is configured at one time. Never changed once it serves; a reload makes the next one.
struct Generation {
  Generation(Routes routes, std::vector<std::string> searched)
      : router(std::move(routes)), directories(std::move(searched)) {}

  const Router router;
  const std::vector<std::string> directories;
  std::map<std::string, std::shared_ptr<Instance>> instances;
};

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
  explicit PluginHost(const Settings& settings) {
    const Registry registry = Discover(settings);
    auto first = std::make_shared<Generation>(settings.routes, settings.directories);
    std::vector<std::shared_ptr<Instance>> instances;
    for (const InstanceSettings& own : settings.instances) {
      instances.push_back(Make(PlanOf(settings, own, registry)));
      first->instances.emplace(own.id, instances.back());
    }
    present_ = std::move(first);
    supervision_.Add(instances);
    // One that fails stays listed with its reason.
    for (const auto& instance : instances) (void)instance->WaitSettled(nullptr);
  }

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
    const std::lock_guard one_at_a_time(reload_mutex_);
    DCP_TRY(CheckSettings(settings));
    if (!supervision_.WaitFewer(kLeavingMax, settings.leave_room_ms)) {
      return ResourceExhausted(
                 std::to_string(kLeavingMax) +
                 " plugin instances that left the configuration still have open calls")
          .WithHint("reload again when some of these calls have ended");
    }
    Change change(Present(), std::move(settings));
    Prepare(change);
    supervision_.Add(change.fresh);
    if (const Status status = WaitReady(change, cancelled); !status.ok()) {
      supervision_.Leave(change.fresh, 0);
      return status;
    }
    change.done.routes = Differences(change.before->router.routes(), change.next->router.routes());
    {
      const std::lock_guard lock(present_mutex_);
      present_ = std::move(change.next);
    }
    supervision_.Leave(change.replaced, change.settings.drain_ms);
    return std::move(change.done);
  }

  std::vector<InstanceState> States() const override {
    std::vector<InstanceState> states;
    for (const auto& [id, instance] : Present()->instances) states.push_back(instance->State());
    return states;
  }

  Result<PluginDescription> Describe(const std::string& name) const override {
    const auto generation = Present();
    std::string plugin = name;
    if (const auto found = generation->instances.find(name); found != generation->instances.end()) {
      if (const Manifest* own = found->second->manifest()) return DescriptionOf(*own);
      plugin = found->second->State().plugin;
    }
    for (const auto& [id, instance] : generation->instances) {
      const Manifest* own = instance->manifest();
      if (own != nullptr && own->id == plugin) return DescriptionOf(*own);
    }
    const Registry registry = Registry::Discover(generation->directories);
    DCP_ASSIGN(const Registry::Plugin* found, registry.Find(plugin));
    return DescriptionOf(found->manifest);
  }

  Status Restart(const std::string& id) override {
    const auto generation = Present();
    const auto found = generation->instances.find(id);
    if (found == generation->instances.end()) return NotFound("there is no plugin instance " + id);
    DCP_TRY(found->second->Restart());
    supervision_.Wake();
    return {};
  }

 private:
  /// A reload on its way.
  struct Change {
    Change(std::shared_ptr<const Generation> now, Settings wanted)
        : before(std::move(now)),
          settings(std::move(wanted)),
          next(std::make_shared<Generation>(settings.routes, settings.directories)) {}

    const std::shared_ptr<const Generation> before;
    const Settings settings;
    std::shared_ptr<Generation> next;
    std::vector<std::shared_ptr<Instance>> fresh;     ///< to be started
    std::vector<std::shared_ptr<Instance>> replaced;  ///< to leave once the next one serves
    std::set<std::string> retried;                    ///< nothing about them changed
    Reloaded done;
  };

  static PluginDescription DescriptionOf(const Manifest& manifest) {
    return {manifest.id, manifest.version, manifest.config_schema};
  }

  Registry Discover(const Settings& settings) {
    Registry registry = Registry::Discover(settings.directories);
    for (const Registry::Skipped& skipped : registry.skipped()) {
      // Said once, and not with every reload again.
      if (!told_.insert(skipped.path + ": " + skipped.reason).second) continue;
      log::Write(log::Id::kPluginSkipped, {{"path", skipped.path}, {"reason", skipped.reason}});
    }
    return registry;
  }

  std::shared_ptr<Instance> Make(InstancePlan plan) {
    return std::make_shared<Instance>(std::move(plan), [this] { supervision_.Wake(); });
  }

  std::shared_ptr<const Generation> Present() const {
    const std::lock_guard lock(present_mutex_);
    return present_;
  }

  void Prepare(Change& change) {
    const Registry registry = Discover(change.settings);
    for (const InstanceSettings& own : change.settings.instances) {
      InstancePlan plan = PlanOf(change.settings, own, registry);
      const auto found = change.before->instances.find(own.id);
      const bool known = found != change.before->instances.end();
      const bool same = known && found->second->Serves(plan);
      if (same && !found->second->failed()) {
        change.next->instances.emplace(own.id, found->second);
        change.done.kept.push_back(own.id);
        continue;
      }
      if (same) change.retried.insert(own.id);
      if (known) change.replaced.push_back(found->second);
      (known ? change.done.restarted : change.done.started).push_back(own.id);
      change.fresh.push_back(Make(std::move(plan)));
      change.next->instances.emplace(own.id, change.fresh.back());
    }
    for (const auto& [id, instance] : change.before->instances) {
      if (change.next->instances.count(id) > 0) continue;
      change.replaced.push_back(instance);
      change.done.stopped.push_back(id);
    }
  }

  /// What failed before the reload and was only tried again does not stand in its way.
  static Status WaitReady(Change& change, const std::function<bool()>& cancelled) {
    for (const auto& instance : change.fresh) {
      const Status ready = instance->WaitSettled(cancelled);
      if (ready.ok()) continue;
      if (change.retried.count(instance->id()) == 0 || ready.code() == Code::kCancelled) {
        return Status(ready.code(), "nothing was changed: " + ready.message())
            .WithHint(ready.hint());
      }
      std::erase(change.done.restarted, instance->id());
      change.done.failed.push_back(instance->id());
    }
    return Status::Ok();
  }

  static Status NotConfigured(const Generation& generation, const std::string& id) {
    std::string known;
    for (const auto& [name, instance] : generation.instances) {
      known += (known.empty() ? "" : ", ") + name;
    }
    return FailedPrecondition(
               "the plugin instance \"" + id +
               "\" is not configured any more; configured: " + (known.empty() ? "none" : known))
        .WithHint("configure it again and reload, or start the work anew");
  }

  static Result<std::string> Carry(Instance& instance, const std::string& capability,
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
      return Status(reply.code, named ? reply.body : who + ": " + reply.body);
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

  mutable std::mutex present_mutex_;
  std::shared_ptr<const Generation> present_;
  std::mutex reload_mutex_;
  std::set<std::string> told_;  ///< files passed over that the log has named; under reload_mutex_
  Supervision supervision_;     // first to go: its instances must not find the rest gone
};

}  // namespace

Result<std::unique_ptr<Host>> Host::Start(Settings settings) {
  DCP_TRY(CheckSettings(settings));
  return std::unique_ptr<Host>(std::make_unique<PluginHost>(settings));
}

}  // namespace dcp::host
