// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin_configs.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "host/plugin_store.h"
#include "host/registry.h"
#include "schema/schema.h"

namespace dcp::daemon {
namespace {

/// "/jars/0/path" as ".jars[0].path": how the reader names keys.
std::string PathOf(const std::string& pointer, const config::Places& places) {
  std::string path;
  size_t begin = 0;
  while (begin < pointer.size()) {
    const size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
    std::string step = pointer.substr(begin + 1, end - begin - 1);
    const auto place = places.find(pointer.substr(0, end));
    // An item has no key of its own.
    const bool item = place != places.end() && place->second.key == place->second.value &&
                      !step.empty() && step.find_first_not_of("0123456789") == std::string::npos;
    for (const auto& [escape, sign] : {std::pair{"~1", "/"}, {"~0", "~"}}) {
      for (size_t at = step.find(escape); at != std::string::npos; at = step.find(escape, at + 1)) {
        step.replace(at, 2, sign);
      }
    }
    path += item ? "[" + step + "]" : "." + step;
    begin = end;
  }
  return path;
}

/// Of the value, else of the nearest thing around it that was written.
config::Place PlaceOf(std::string pointer, const config::Places& places) {
  for (;;) {
    if (const auto found = places.find(pointer); found != places.end()) return found->second;
    if (pointer.empty()) return {};
    pointer.erase(pointer.rfind('/'));
  }
}

Status StatusOf(const schema::Mistake& mistake, const InstancePlaces& own,
                const host::Manifest& plugin) {
  std::string path = own.path + PathOf(mistake.pointer, own.places);
  if (!mistake.key.empty()) path += "." + mistake.key;
  const config::Place place = PlaceOf(mistake.pointer, own.places);
  return InvalidArgument(path + ": " + mistake.message + " (schema of plugin " + plugin.id + " " +
                         plugin.version + ")")
      .At(mistake.at_key ? place.key : place.value)
      .WithHint(mistake.hint);
}

/// One status for all: the first has the place, the others follow it.
Status Joined(std::vector<Status> mistakes) {
  if (mistakes.empty()) return {};
  std::sort(mistakes.begin(), mistakes.end(), [](const Status& a, const Status& b) {
    return std::tie(a.location().line, a.location().column, a.message()) <
           std::tie(b.location().line, b.location().column, b.message());
  });
  if (mistakes.size() == 1) return mistakes.front();
  const auto hint = [](const Status& status) {
    return status.hint().empty() ? "" : " (hint: " + status.hint() + ")";
  };
  std::string text = mistakes.front().message() + hint(mistakes.front());
  for (size_t i = 1; i < std::min(mistakes.size(), kConfigMistakesMax); ++i) {
    text +=
        "\n" + mistakes[i].location().ToString() + ": " + mistakes[i].message() + hint(mistakes[i]);
  }
  if (mistakes.size() > kConfigMistakesMax) {
    text += "\nand " + std::to_string(mistakes.size() - kConfigMistakesMax) + " more";
  }
  return InvalidArgument(std::move(text)).At(mistakes.front().location());
}

}  // namespace

Status CheckPluginConfigs(const Settings& settings) {
  const host::Registry registry = host::Registry::Discover(settings.host.directories);
  DCP_ASSIGN(const auto store, host::PluginStore::Look(settings.host.store_directory));
  std::vector<Status> mistakes;
  for (size_t i = 0; i < settings.host.instances.size(); ++i) {
    const host::InstanceSettings& instance = settings.host.instances[i];
    const auto found = registry.Find(instance.plugin);
    const auto decision = store->DecisionOn(instance.id).value_or(host::Decision());
    const auto chosen = store->Chosen(instance.plugin, decision.sha256, found.ok());
    if (!chosen && !found.ok()) continue;
    const host::Manifest& manifest = chosen ? chosen->manifest : (*found)->manifest;
    if (manifest.config_schema.empty()) continue;
    const InstancePlaces& own = settings.instance_places[i];
    for (const schema::Mistake& mistake :
         schema::Check(manifest.config_schema, instance.config_json.Reveal())) {
      mistakes.push_back(StatusOf(mistake, own, manifest));
    }
  }
  return Joined(std::move(mistakes));
}

Result<Settings> ReadCheckedSettings(const std::string& file, const std::string& text,
                                     const References& references) {
  DCP_ASSIGN(Settings settings, ReadSettings(file, text, references));
  DCP_TRY(CheckPluginConfigs(settings));
  return settings;
}

}  // namespace dcp::daemon
