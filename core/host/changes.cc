// SPDX-License-Identifier: Apache-2.0
#include "host/changes.h"

#include <algorithm>

#include "log/log.h"

namespace dcp::host {

/// A change on its way.
struct Changes::Change {
  Change(std::shared_ptr<const Generation> now, Settings wanted)
      : before(std::move(now)),
        settings(std::move(wanted)),
        next(std::make_shared<Generation>(settings)) {}

  const std::shared_ptr<const Generation> before;
  Settings settings;
  std::shared_ptr<Generation> next;
  std::vector<std::shared_ptr<Instance>> fresh;     ///< to be started
  std::vector<std::shared_ptr<Instance>> replaced;  ///< to leave once the next one serves
  std::set<std::string> retried;                    ///< nothing about them changed
  Reloaded done;
};

Changes::Changes(Settings settings, std::unique_ptr<PluginStore> store)
    : store_(std::move(store)), settings_(std::move(settings)) {
  const Registry registry = Discover(settings_);
  auto first = std::make_shared<Generation>(settings_);
  std::vector<std::shared_ptr<Instance>> instances;
  std::set<std::string> used;
  for (const InstanceSettings& own : settings_.instances) {
    const Decision decision = DecisionFor(*store_, {}, own.id);
    InstancePlan plan = PlanOf(settings_, own, FileFor(settings_, own, registry, decision));
    plan.disabled = decision.disabled;
    if (plan.plugin) used.insert(plan.plugin->sha256);
    instances.push_back(Make(std::move(plan)));
    first->instances.emplace(own.id, instances.back());
  }
  store_->RemoveUnused(used);
  present_ = std::move(first);
  supervision_.Add(instances);
  // One that fails stays listed with its reason.
  for (const auto& instance : instances) (void)instance->WaitSettled(nullptr);
}

std::shared_ptr<const Generation> Changes::Present() const {
  const MutexLock lock(present_mutex_);
  return present_;
}

Registry Changes::Discover(const Settings& settings) {
  Registry registry = Registry::Discover(settings.directories);
  for (const Registry::Skipped& skipped : registry.skipped()) {
    // Said once, and not with every reload again.
    if (!told_.insert(skipped.path + ": " + skipped.reason).second) continue;
    log::Write(log::Id::kPluginSkipped, {{"path", skipped.path}, {"reason", skipped.reason}});
  }
  return registry;
}

std::shared_ptr<Instance> Changes::Make(InstancePlan plan) {
  const Observed& observed = observed_[plan.own.id];
  plan.counters = observed.counters;
  plan.options.journal = observed.journal;
  return std::make_shared<Instance>(std::move(plan), *store_, [this] { supervision_.Wake(); });
}

Result<StoredPlugin> Changes::FileFor(const Settings& settings, const InstanceSettings& own,
                                      const Registry& registry, const Decision& decision) {
  const std::string who = "plugin " + own.plugin + " (instance " + own.id + ")";
  if (decision.disabled) {
    return FailedPrecondition(who + " was disabled by " + decision.by + " at " + decision.at +
                              (decision.reason.empty() ? "" : ": " + decision.reason))
        .WithHint("an operator takes it back with `pretzel plugin enable " + own.id + "`");
  }
  const auto found = registry.Find(own.plugin);
  if (auto chosen = store_->Chosen(own.plugin, decision.sha256, found.ok())) {
    DCP_TRY(CheckAllowed(settings, *chosen));
    return *std::move(chosen);
  }
  DCP_TRY(found.status());
  DCP_ASSIGN(StoredPlugin taken, store_->Take((*found)->path));
  if (taken.manifest.id != own.plugin) {
    return Unavailable((*found)->path + " was replaced while it was read; reload again");
  }
  if (!decision.sha256.empty() && taken.sha256 != decision.sha256) {
    return FailedPrecondition(who + " holds to the content " + decision.sha256.substr(0, 12) +
                              ", which is neither installed nor in a configured directory")
        .WithHint("`pretzel plugin reload " + own.id + "` takes what there is");
  }
  DCP_TRY(CheckAllowed(settings, taken));
  return taken;
}

Result<Reloaded> Changes::Apply(Settings settings, const Wish& wish,
                                const std::function<bool()>& cancelled) {
  DCP_TRY(CheckSettings(settings));
  DCP_TRY(CheckTightens(settings));
  if (!supervision_.WaitFewer(kLeavingMax, settings.leave_room_ms)) {
    return ResourceExhausted(std::to_string(kLeavingMax) +
                             " plugin instances that left the configuration still have open calls")
        .WithHint("reload again when some of these calls have ended");
  }
  Change change(Present(), std::move(settings));
  // Ids that are not configured any more, or that a change which failed brought.
  std::erase_if(observed_,
                [&](const auto& each) { return !change.before->instances.contains(each.first); });
  Prepare(change, wish);
  supervision_.Add(change.fresh);
  Status ready = WaitReady(change, cancelled);
  if (ready.ok()) ready = CheckOffers(change);
  if (ready.ok()) ready = store_->Decide(wish.decisions);
  if (!ready.ok()) {
    supervision_.Leave(change.fresh, 0);
    return std::move(ready).With("nothing was changed");
  }
  change.done.routes = Differences(change.before->router.routes(), change.next->router.routes());
  {
    const MutexLock lock(present_mutex_);
    present_ = std::move(change.next);
  }
  supervision_.Leave(change.replaced, change.settings.drain_ms);
  settings_ = std::move(change.settings);
  return std::move(change.done);
}

void Changes::Prepare(Change& change, const Wish& wish) {
  const Registry registry = Discover(change.settings);
  for (const InstanceSettings& own : change.settings.instances) {
    const auto found = change.before->instances.find(own.id);
    const bool known = found != change.before->instances.end();
    if (wish.only && known && wish.decisions.count(own.id) == 0) {
      change.next->instances.emplace(own.id, found->second);
      continue;
    }
    const Decision decision = DecisionFor(*store_, wish, own.id);
    InstancePlan plan =
        PlanOf(change.settings, own, FileFor(change.settings, own, registry, decision));
    plan.disabled = decision.disabled;
    const bool same = known && wish.anew.count(own.id) == 0 && found->second->Serves(plan);
    if (same && (plan.disabled || !found->second->failed())) {
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

/// What failed before the change and was only tried again does not stand in its way.
Status Changes::WaitReady(Change& change, const std::function<bool()>& cancelled) {
  for (const auto& instance : change.fresh) {
    if (instance->plan().disabled) continue;
    Status ready = instance->WaitSettled(cancelled);
    if (ready.ok()) continue;
    if (change.retried.count(instance->id()) == 0 || ready.code() == Code::kCancelled) {
      return ready;
    }
    std::erase(change.done.restarted, instance->id());
    change.done.failed.push_back(instance->id());
  }
  return Status::Ok();
}

/// A new content must offer what the one before it offered, as far as a route leads there: callers
/// would else find out one by one.
Status Changes::CheckOffers(const Change& change) {
  for (const auto& instance : change.fresh) {
    const auto before = change.before->instances.find(instance->id());
    if (before == change.before->instances.end()) continue;
    const Manifest* old = before->second->manifest();
    const Manifest* now = instance->manifest();
    if (old == nullptr || now == nullptr) continue;
    for (const Capability& offered : old->capabilities) {
      if (RoutesTo(change.settings.routes, offered.name, instance->id()).empty()) continue;
      const Capability* still = now->FindCapability(offered.name);
      const std::string what = instance->Who() + " " + now->version + " does not offer ";
      const std::string as = ", as " + old->version + " does and a route needs";
      if (still == nullptr) return FailedPrecondition(what + offered.name + as);
      for (const std::string& method : offered.methods) {
        const auto& methods = still->methods;
        if (std::find(methods.begin(), methods.end(), method) != methods.end()) continue;
        return FailedPrecondition(what + offered.name + "." + method + as);
      }
    }
  }
  return Status::Ok();
}

Status Changes::CheckTightens(const Settings& wanted) const {
  if (!settings_.allowed) return Status::Ok();
  const std::string rule =
      ": what may run can only become less while the daemon runs, so that whoever can change the "
      "file cannot let code in at once";
  const char* const hint = "restart dcpd for it";
  if (!wanted.allowed) {
    return FailedPrecondition("plugins.allowed was taken away" + rule).WithHint(hint);
  }
  for (const std::string& digest : *wanted.allowed) {
    const auto& now = *settings_.allowed;
    if (std::find(now.begin(), now.end(), digest) != now.end()) continue;
    return FailedPrecondition("plugins.allowed has the new digest " + digest + rule).WithHint(hint);
  }
  return Status::Ok();
}

Decision DecisionFor(const PluginStore& store, const Wish& wish, const std::string& instance) {
  const auto wished = wish.decisions.find(instance);
  if (wished != wish.decisions.end()) return wished->second;
  return store.DecisionOn(instance).value_or(Decision());
}

Status CheckAllowed(const Settings& settings, const StoredPlugin& plugin) {
  if (!settings.allowed) return Status::Ok();
  const auto& allowed = *settings.allowed;
  if (std::find(allowed.begin(), allowed.end(), plugin.sha256) != allowed.end()) {
    return Status::Ok();
  }
  return PermissionDenied(plugin.source + " may not run: its SHA-256 " + plugin.sha256 +
                          " is not in plugins.allowed")
      .WithHint("when it is what it should be, add the digest and restart dcpd");
}

std::string KnownInstances(const Generation& generation) {
  std::string known;
  for (const auto& [name, instance] : generation.instances) {
    known += (known.empty() ? "" : ", ") + name;
  }
  return known.empty() ? "none" : known;
}

}  // namespace dcp::host
