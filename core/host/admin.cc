// SPDX-License-Identifier: Apache-2.0
#include "host/admin.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "host/trust.h"
#include "log/log.h"
#include "os/file.h"

namespace dcp::host {
namespace {

constexpr size_t kDigestDigitsMin = 8;
constexpr size_t kReasonBytesMax = 500;

PluginVersion ToVersion(const StoredPlugin& plugin) {
  PluginVersion version;
  version.version = plugin.manifest.version;
  version.sha256 = plugin.sha256;
  version.path = plugin.source;
  version.origin = plugin.installed ? "store" : "directory";
  if (plugin.installed) {
    version.installed_at = plugin.installed_at;
    version.installed_by = plugin.installed_by;
  }
  for (const Capability& each : plugin.manifest.capabilities) {
    version.capabilities.push_back(each.name + "/" + std::to_string(each.major) + "." +
                                   std::to_string(each.minor));
  }
  return version;
}

bool IsDigits(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

Status CheckDigestText(const std::string& sha256) {
  if (sha256.empty()) return {};
  if (sha256.size() >= kDigestDigitsMin && sha256.size() <= 64 && IsDigits(sha256)) return {};
  return InvalidArgument("\"" + sha256.substr(0, 80) + "\" is no SHA-256")
      .WithHint("give at least 8 of its 64 hex digits, as `pretzel plugin get` shows them");
}

}  // namespace

std::vector<InstanceState> Admin::States() const {
  const auto generation = changes_.Present();
  const Routes& routes = generation->router.routes();
  std::vector<InstanceState> states;
  for (const auto& [id, instance] : generation->instances) {
    InstanceState state = instance->State();
    for (const auto& [capability, own] : routes) {
      for (std::string& route : RoutesTo(routes, capability, id)) {
        state.routes.push_back(std::move(route));
      }
    }
    states.push_back(std::move(state));
  }
  return states;
}

PluginList Admin::ListWith(const Registry& registry) {
  std::map<std::string, PluginInfo> by_id;
  PluginList list;
  for (const Registry::Plugin& plugin : registry.plugins()) {
    const auto taken = changes_.store().Peek(plugin.path);
    if (!taken.ok()) {
      list.refused.push_back({plugin.path, taken.status().message()});
      continue;
    }
    by_id[plugin.manifest.id].versions.push_back(ToVersion(*taken));
  }
  for (const StoredPlugin& installed : changes_.store().Installed("")) {
    PluginInfo& info = by_id[installed.manifest.id];
    // A directory's file with the same content stands in for it.
    const bool known = std::any_of(info.versions.begin(), info.versions.end(),
                                   [&](const auto& v) { return v.sha256 == installed.sha256; });
    if (!known) info.versions.push_back(ToVersion(installed));
  }
  for (InstanceState& state : States()) by_id[state.plugin].instances.push_back(std::move(state));
  for (auto& [id, info] : by_id) {
    info.id = id;
    if (!info.versions.empty()) info.versions.front().selected = true;
    list.plugins.push_back(std::move(info));
  }
  for (const Registry::Skipped& skipped : registry.skipped()) {
    list.refused.push_back({skipped.path, skipped.reason});
  }
  return list;
}

/// As what serves now was found; a change that is on its way is not waited for.
Registry Admin::Present() const { return Registry::Discover(changes_.Present()->directories); }

PluginList Admin::List() { return ListWith(Present()); }

Result<PluginInfo> Admin::Get(const std::string& name) {
  const Registry registry = Present();
  std::vector<std::string> known;
  for (PluginInfo& info : ListWith(registry).plugins) {
    if (info.id == name) return std::move(info);
    known.push_back(info.id);
    for (InstanceState& state : info.instances) {
      known.push_back(state.id);
      if (state.id != name) continue;
      info.instances = {state};
      return std::move(info);
    }
  }
  Status missing = registry.Find(name).status();
  const std::string near = Nearest(name, known);
  if (!near.empty()) missing = std::move(missing).WithHint("did you mean \"" + near + "\"?");
  return missing;
}

Result<PluginDescription> Admin::Describe(const std::string& name) {
  const auto description = [](const Manifest& manifest) {
    return PluginDescription{manifest.id, manifest.version, manifest.config_schema};
  };
  const auto generation = changes_.Present();
  std::string plugin = name;
  for (const auto& [id, instance] : generation->instances) {
    const Manifest* own = instance->manifest();
    if (own != nullptr && (id == name || own->id == name)) return description(*own);
    if (id == name) plugin = instance->plan().own.plugin;
  }
  const Registry registry = Present();
  const auto found = registry.Find(plugin);
  if (found.ok()) return description((*found)->manifest);
  for (const StoredPlugin& each : changes_.store().Installed(plugin)) {
    return description(each.manifest);
  }
  return found.status();
}

Result<std::string> Admin::IncomingPath() const {
  if (changes_.store().kept()) {
    return changes_.store().directory() + "/incoming-" + RandomHex(8);
  }
  return FailedPrecondition("this host keeps no plugins, so none can be installed");
}

Result<PluginVersion> Admin::Install(const std::string& incoming, const std::string& source,
                                     const std::string& by, const std::string& sha256,
                                     std::string& id, bool& existed) {
  const auto turn = changes_.Begin();
  StoredPlugin coming;
  coming.source = source;
  coming.sha256 = DigestOf(incoming).value_or("");
  if (const Status allowed = CheckAllowed(changes_.settings(), coming); !allowed.ok()) {
    std::error_code ignored;  // what is left is removed at the next start
    std::filesystem::remove(incoming, ignored);
    return allowed;
  }
  DCP_ASSIGN(const StoredPlugin installed,
             changes_.store().Install(incoming, source, by, sha256, existed));
  id = installed.manifest.id;
  if (!existed) {
    log::Write(log::Id::kPluginInstalled, {{"plugin", id},
                                           {"version", installed.manifest.version},
                                           {"sha256", installed.sha256},
                                           {"by", by}});
  }
  return ToVersion(installed);
}

Result<std::vector<VerifiedFile>> Admin::Verify(const std::string& name) {
  const auto turn = changes_.Begin();
  std::vector<VerifiedFile> files;
  const auto look = [&](const StoredPlugin& plugin) {
    VerifiedFile file{plugin.manifest.id, plugin.path, plugin.sha256, "OK", ""};
    const std::string now = DigestOf(plugin.path).value_or("");
    Status bad = CheckTrusted(plugin.path);
    if (bad.ok()) bad = CheckAllowed(changes_.settings(), plugin);
    if (!os::Exists(plugin.path)) {
      file.result = "MISSING";
    } else if (now != plugin.sha256) {
      file.result = "CHANGED";
      file.detail = "its SHA-256 is " + now + " now";
    } else if (!bad.ok()) {
      file.result = "REFUSED";
      file.detail = bad.message();
    }
    const auto same = [&](const VerifiedFile& f) { return f.path == file.path; };
    if (std::none_of(files.begin(), files.end(), same)) files.push_back(std::move(file));
  };
  std::vector<std::string> known;
  const auto generation = changes_.Present();
  for (const auto& [id, instance] : generation->instances) {
    const auto& plugin = instance->plan().plugin;
    known.push_back(id);
    if (plugin && (name.empty() || name == id || name == plugin->manifest.id)) look(*plugin);
  }
  for (const StoredPlugin& installed : changes_.store().Installed("")) {
    known.push_back(installed.manifest.id);
    if (name.empty() || name == installed.manifest.id) look(installed);
  }
  if (files.empty() && !name.empty()) {
    const std::string near = Nearest(name, known);
    return NotFound("neither a plugin instance with a file nor an installed plugin is called \"" +
                    name + "\"")
        .WithHint(near.empty() ? "`pretzel plugin list` shows them"
                               : "did you mean \"" + near + "\"?");
  }
  return files;
}

Result<std::vector<InstanceSettings>> Admin::Named(const std::string& name) const {
  std::vector<InstanceSettings> found;
  std::vector<std::string> known;
  for (const InstanceSettings& own : changes_.settings().instances) {
    if (own.id == name) return std::vector<InstanceSettings>{own};
    if (own.plugin == name) found.push_back(own);
    known.push_back(own.id);
    known.push_back(own.plugin);
  }
  if (!found.empty()) return found;
  const std::string near = Nearest(name, known);
  return NotFound("no plugin instance is called \"" + name + "\" or is of a plugin of that name; " +
                  "configured: " + KnownInstances(*changes_.Present()))
      .WithHint(near.empty() ? "add it to `plugins.instances` and `pretzel config reload`"
                             : "did you mean \"" + near + "\"?");
}

/// The digest that the instance is to hold to; empty: none, for the directory's file is taken anew
/// at each reload of the configuration.
Result<std::string> Admin::Choose(const InstanceSettings& own, const std::string& sha256,
                                  const Registry& registry) {
  const std::vector<StoredPlugin> installed = changes_.store().Installed(own.plugin);
  const auto found = registry.Find(own.plugin);
  if (sha256.empty()) return installed.empty() ? std::string() : installed.front().sha256;
  std::string of_directory;
  if (found.ok()) {
    DCP_ASSIGN(const StoredPlugin seen, changes_.store().Peek((*found)->path));
    of_directory = seen.sha256;
    if (seen.sha256.rfind(sha256, 0) == 0) return std::string();
  }
  std::string chosen;
  std::string known = of_directory.substr(0, 12);
  for (const StoredPlugin& each : installed) {
    known += (known.empty() ? "" : ", ") + each.sha256.substr(0, 12);
    if (each.sha256.rfind(sha256, 0) != 0) continue;
    if (!chosen.empty()) return InvalidArgument("several contents begin with " + sha256);
    chosen = each.sha256;
  }
  if (!chosen.empty()) return chosen;
  return NotFound("plugin " + own.plugin + " has no content " + sha256 +
                  "; known: " + (known.empty() ? "none" : known))
      .WithHint("`pretzel plugin install FILE` first");
}

Result<std::vector<Swapped>> Admin::Reload(const std::string& name, const std::string& sha256,
                                           const std::string& by,
                                           const std::function<bool()>& cancelled) {
  DCP_TRY(CheckDigestText(sha256));
  const auto turn = changes_.Begin();
  DCP_ASSIGN(const std::vector<InstanceSettings> named, Named(name));
  const Registry registry = changes_.Discover(changes_.settings());
  Wish wish;
  wish.only = true;
  std::vector<Swapped> swapped;
  const auto before = changes_.Present();
  for (const InstanceSettings& own : named) {
    Decision decision = changes_.store().DecisionOn(own.id).value_or(Decision());
    if (decision.disabled) {
      return FailedPrecondition("the plugin instance " + own.id + " is disabled")
          .WithHint("`pretzel plugin enable " + own.id + "` first");
    }
    DCP_ASSIGN(decision.sha256, Choose(own, sha256, registry));
    decision.by = by;
    decision.at = FormatTime(SystemClock().Wall());
    wish.anew.insert(own.id);
    wish.decisions[own.id] = decision;
    const InstanceState old = before->instances.at(own.id)->State();
    swapped.push_back({own.id, old.sha256, "", old.version, ""});
  }
  const auto done = changes_.Apply(changes_.settings(), wish, cancelled);
  DCP_TRY(done.status());
  const auto after = changes_.Present();
  for (Swapped& each : swapped) {
    const InstanceState now = after->instances.at(each.id)->State();
    each.after = now.sha256;
    each.version_after = now.version;
    log::Write(log::Id::kPluginReloaded,
               {{"instance", each.id}, {"from", each.before}, {"to", each.after}, {"by", by}});
  }
  return swapped;
}

Result<std::vector<std::string>> Admin::SetDisabled(const std::string& name, bool disabled,
                                                    const std::string& reason,
                                                    const std::string& by) {
  if (reason.size() > kReasonBytesMax) {
    return InvalidArgument("the reason has " + std::to_string(reason.size()) +
                           " bytes, the limit is " + std::to_string(kReasonBytesMax));
  }
  const auto turn = changes_.Begin();
  DCP_ASSIGN(const std::vector<InstanceSettings> named, Named(name));
  Wish wish;
  wish.only = true;
  std::vector<std::string> ids;
  for (const InstanceSettings& own : named) {
    Decision decision = changes_.store().DecisionOn(own.id).value_or(Decision());
    decision.disabled = disabled;
    decision.reason = disabled ? reason : "";
    decision.by = by;
    decision.at = FormatTime(SystemClock().Wall());
    wish.decisions[own.id] = decision;
    ids.push_back(own.id);
  }
  const auto done = changes_.Apply(changes_.settings(), wish, nullptr);
  DCP_TRY(done.status());
  for (const std::string& id : ids) {
    log::Write(disabled ? log::Id::kPluginDisabled : log::Id::kPluginEnabled,
               {{"instance", id}, {"by", by}, {"reason", reason}});
  }
  return ids;
}

}  // namespace dcp::host
