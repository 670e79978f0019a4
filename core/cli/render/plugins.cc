// SPDX-License-Identifier: Apache-2.0
#include "cli/render/plugins.h"

#include <nlohmann/json.hpp>

namespace dcp::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortDigits = 12;

Json Document(const std::string& kind) { return {{"apiVersion", "dcp/v1"}, {"kind", kind}}; }

/// Text that is not UTF-8 (a file's name) is replaced, never thrown at the reader.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

template <typename Texts>
Json ListOf(const Texts& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

Json ToJson(const v1::PluginVersion& version) {
  Json json = {{"version", version.version()},
               {"sha256", version.sha256()},
               {"origin", version.origin()},
               {"path", version.path()},
               {"selected", version.selected()}};
  if (!version.installed_at().empty()) {
    json["installedAt"] = version.installed_at();
    json["installedBy"] = version.installed_by();
  }
  json["capabilities"] = ListOf(version.capabilities());
  return json;
}

void Fill(const v1::Plugin& plugin, Json& json) {
  json["id"] = plugin.id();
  json["versions"] = Json::array();
  for (const v1::PluginVersion& version : plugin.versions()) {
    json["versions"].push_back(ToJson(version));
  }
  json["instances"] = Json::array();
  for (const v1::PluginInstance& each : plugin.instances()) {
    Json instance = {{"id", each.id()},           {"state", each.state()},
                     {"version", each.version()}, {"sha256", each.sha256()},
                     {"path", each.path()},       {"isolation", each.isolation()},
                     {"pid", each.pid()},         {"restarts", each.restarts()}};
    if (!each.detail().empty()) instance["detail"] = each.detail();
    if (!each.unconfined().empty()) instance["unconfined"] = each.unconfined();
    instance["routes"] = ListOf(each.routes());
    json["instances"].push_back(instance);
  }
}

template <typename Texts>
std::string Joined(const Texts& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + Printable(text);
  return line.empty() ? "-" : line;
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : Printable(text); }

}  // namespace

std::string ShortDigest(const std::string& sha256) {
  return OrDash(sha256.substr(0, kShortDigits));
}

std::string PluginsJson(const v1::ListPluginsResponse& list) {
  Json json = Document("PluginList");
  json["items"] = Json::array();
  for (const v1::Plugin& plugin : list.plugins()) {
    Json item = Json::object();
    Fill(plugin, item);
    json["items"].push_back(item);
  }
  json["refused"] = Json::array();
  for (const v1::RefusedFile& file : list.refused()) {
    json["refused"].push_back({{"path", file.path()}, {"reason", file.reason()}});
  }
  return Dump(json);
}

std::string PluginJson(const v1::Plugin& plugin) {
  Json json = Document("Plugin");
  Fill(plugin, json);
  return Dump(json);
}

std::string InstalledPluginJson(const v1::InstallPluginResponse& installed) {
  Json json = Document("InstalledPlugin");
  json["id"] = installed.id();
  json.update(ToJson(installed.version()));
  json["existed"] = installed.existed();
  return Dump(json);
}

std::string VerifiedPluginsJson(const v1::VerifyPluginsResponse& verified) {
  Json json = Document("PluginVerification");
  json["items"] = Json::array();
  for (const v1::VerifiedFile& file : verified.files()) {
    Json item = {{"id", file.id()},
                 {"path", file.path()},
                 {"sha256", file.sha256()},
                 {"result", file.result()}};
    if (!file.detail().empty()) item["detail"] = file.detail();
    json["items"].push_back(item);
  }
  return Dump(json);
}

std::string ReloadedPluginJson(const v1::ReloadPluginResponse& reloaded) {
  Json json = Document("PluginReload");
  json["instances"] = Json::array();
  for (const v1::ReloadedInstance& each : reloaded.instances()) {
    json["instances"].push_back({{"id", each.id()},
                                 {"before", each.before()},
                                 {"after", each.after()},
                                 {"versionBefore", each.version_before()},
                                 {"versionAfter", each.version_after()}});
  }
  return Dump(json);
}

std::string DisabledPluginJson(const v1::DisablePluginResponse& disabled, bool enabled) {
  Json json = Document("PluginState");
  json["disabled"] = !enabled;
  json["instances"] = ListOf(disabled.instances());
  return Dump(json);
}

std::string PluginsText(const v1::ListPluginsResponse& list, const Paint& paint) {
  Table table({"PLUGIN", "INSTANCE", "STATE", "VERSION", "SHA256", "ISOLATION", "ROUTES"});
  std::string details;
  for (const v1::Plugin& plugin : list.plugins()) {
    for (const v1::PluginInstance& each : plugin.instances()) {
      table.Add({Printable(plugin.id()), Printable(each.id()), paint.State(each.state()),
                 OrDash(each.version()), ShortDigest(each.sha256()), Printable(each.isolation()),
                 Joined(each.routes())});
      if (!each.detail().empty()) {
        details += "\n" + Printable(each.id()) + ": " + Printable(each.detail()) + "\n";
      }
      if (!each.unconfined().empty()) {
        details += "\n" + Printable(each.id()) +
                   " is not fully confined: " + Printable(each.unconfined()) + "\n";
      }
    }
    if (plugin.instances().empty() && !plugin.versions().empty()) {
      const v1::PluginVersion& first = plugin.versions(0);
      table.Add({Printable(plugin.id()), "-", "-", OrDash(first.version()),
                 ShortDigest(first.sha256()), "-", "-"});
    }
  }
  if (!list.refused().empty()) details += "\nRefused:\n";
  for (const v1::RefusedFile& file : list.refused()) {
    // Most reasons begin with the path; it is not said twice.
    const bool named = file.reason().rfind(file.path(), 0) == 0;
    details +=
        "  " + (named ? "" : Printable(file.path()) + ": ") + Printable(file.reason()) + "\n";
  }
  return (table.size() > 0 ? table.Text() : "") + details;
}

std::string PluginText(const v1::Plugin& plugin, const Paint& paint) {
  std::string text = paint.Bold(Printable(plugin.id())) + "\n";
  Table versions({"VERSION", "SHA256", "ORIGIN", "INSTALLED", "BY", "CAPABILITIES", "PATH"});
  for (const v1::PluginVersion& version : plugin.versions()) {
    versions.Add({OrDash(version.version()), version.sha256(),
                  Printable(version.origin()) + (version.selected() ? " (first choice)" : ""),
                  OrDash(version.installed_at()), OrDash(version.installed_by()),
                  Joined(version.capabilities()), Printable(version.path())});
  }
  if (versions.size() > 0) text += "\nVersions\n" + versions.Text("  ");
  for (const v1::PluginInstance& each : plugin.instances()) {
    text += "\nInstance " + Printable(each.id()) + "\n";
    Table facts({"  state", paint.State(each.state())});
    facts.Add({"  version", OrDash(each.version())});
    facts.Add({"  sha256", OrDash(each.sha256())});
    facts.Add({"  from", OrDash(each.path())});
    facts.Add({"  isolation", Printable(each.isolation())});
    if (each.pid() != 0) facts.Add({"  worker", "pid " + std::to_string(each.pid())});
    facts.Add({"  restarts", std::to_string(each.restarts())});
    facts.Add({"  routes", Joined(each.routes())});
    if (!each.detail().empty()) facts.Add({"  why", Printable(each.detail())});
    if (!each.unconfined().empty()) facts.Add({"  not confined", Printable(each.unconfined())});
    text += facts.Text();
  }
  return text;
}

std::string VerifiedPluginsText(const v1::VerifyPluginsResponse& verified, const Paint& paint) {
  Table table({"RESULT", "PLUGIN", "SHA256", "PATH", "WHY"});
  for (const v1::VerifiedFile& file : verified.files()) {
    const std::string result = file.result() == "OK" ? paint.Green("OK") : paint.Red(file.result());
    table.Add({result, Printable(file.id()), ShortDigest(file.sha256()), Printable(file.path()),
               OrDash(file.detail())});
  }
  return table.size() > 0 ? table.Text() : "";
}

std::string ReloadedPluginText(const v1::ReloadPluginResponse& reloaded) {
  Table table({"INSTANCE", "BEFORE", "", "AFTER", ""});
  for (const v1::ReloadedInstance& each : reloaded.instances()) {
    table.Add({Printable(each.id()), OrDash(each.version_before()), ShortDigest(each.before()),
               OrDash(each.version_after()), ShortDigest(each.after())});
  }
  return table.Text();
}

}  // namespace dcp::cli
