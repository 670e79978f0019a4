// SPDX-License-Identifier: Apache-2.0
//
// The plugin host: puts discovery, instances, routes and the contract together.
#include "host/host.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "host/contract.h"
#include "host/instance.h"
#include "host/registry.h"
#include "host/router.h"
#include "log/log.h"

namespace dcp::host {
namespace {

class PluginHost : public Host {
 public:
  explicit PluginHost(Settings settings)
      : registry_(Registry::Discover(settings.directories)), router_(settings.routes) {
    for (const Registry::Skipped& skipped : registry_.skipped()) {
      log::Write(log::Id::kPluginSkipped, {{"path", skipped.path}, {"reason", skipped.reason}});
    }
    for (const InstanceSettings& own : settings.instances) {
      const Result<const Registry::Plugin*> plugin = registry_.Find(own.plugin);
      instances_.emplace(own.id,
                         std::make_unique<Instance>(settings, own, plugin.ok() ? *plugin : nullptr,
                                                    plugin.status(), [this] { Wake(); }));
    }
    supervisor_ = std::thread([this] { Supervise(); });
    for (const auto& [id, instance] : instances_) instance->WaitSettled();
  }

  ~PluginHost() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    // Workers die with the thread that spawned them, so it is the last to go, and stops them.
    supervisor_.join();
  }

  Result<std::string> Resolve(const Target& target) const override {
    return router_.Resolve(target.capability, target.route);
  }

  Result<std::string> Call(const std::string& id, const std::string& capability,
                           const std::string& method, const std::string& request_json,
                           const CallOptions& options) override {
    const auto found = instances_.find(id);
    if (found == instances_.end()) {
      return FailedPrecondition("the plugin instance \"" + id + "\" is not configured")
          .WithHint("add it to `plugins.instances`, or route " + capability + " to another one");
    }
    Instance& instance = *found->second;
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

  std::vector<InstanceState> States() const override {
    std::vector<InstanceState> states;
    for (const auto& [id, instance] : instances_) states.push_back(instance->State());
    return states;
  }

 private:
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

  void Wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wake_.notify_all();
  }

  void Supervise() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      lock.unlock();
      SteadyMillis due = kNever;
      const SteadyMillis now = SystemClock().Steady();
      for (const auto& [id, instance] : instances_) due = std::min(due, instance->Supervise(now));
      lock.lock();
      const auto ready = [this] { return stopping_ || woken_; };
      if (due == kNever) {
        wake_.wait(lock, ready);
      } else {
        const int64_t left = std::max<int64_t>(0, due - SystemClock().Steady());
        wake_.wait_for(lock, std::chrono::milliseconds(left + 1), ready);
      }
    }
    lock.unlock();
    StopAll();
  }

  /// In parallel: each may take its grace time.
  void StopAll() {
    std::vector<std::thread> threads;
    for (const auto& [id, instance] : instances_) {
      threads.emplace_back([&instance = *instance] { instance.Stop(); });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const Registry registry_;
  const Router router_;
  std::map<std::string, std::unique_ptr<Instance>> instances_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread supervisor_;
};

}  // namespace

Result<std::unique_ptr<Host>> Host::Start(Settings settings) {
  DCP_TRY(CheckSettings(settings));
  return std::unique_ptr<Host>(std::make_unique<PluginHost>(std::move(settings)));
}

}  // namespace dcp::host
