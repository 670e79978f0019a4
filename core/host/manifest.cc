// SPDX-License-Identifier: Apache-2.0
//
// Parses manifests. Messages name the key, because the reader of them wrote the manifest.
#include "host/manifest.h"

#include <dcp/plugin.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "host/elf.h"
#include "schema/schema.h"

namespace dcp::host {
namespace {

using Json = nlohmann::json;

/// Versions of the contract's packages that this host speaks.
constexpr int kContractMajor = 1;
constexpr std::string_view kEntryPrefix = "dcp_plugin_v";

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > 64 || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// A method's name, as protobuf's services have them.
bool IsMethod(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= 64 && letter(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

/// A version stands in tables and log lines: one short line of visible ASCII.
bool IsVersion(std::string_view text) {
  return text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// Parses, and fails for a key that stands twice in one object: which of them counts would
/// otherwise depend on the reader.
Result<Json> ParseJson(std::string_view text, const std::string& origin) {
  std::vector<std::set<std::string>> keys;
  std::optional<std::string> twice;
  bool deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    const bool object = event == Json::parse_event_t::object_start;
    // Of what is about to begin: how many it begins in.
    if (object || event == Json::parse_event_t::array_start) {
      deep = deep || depth >= kManifestDepthMax;
    }
    if (object) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      twice = value.get<std::string>();
    }
    return true;
  };
  try {
    Json json = Json::parse(text.begin(), text.end(), watch);
    if (twice)
      return InvalidArgument(origin + ": the manifest has the key \"" + *twice + "\" twice");
    if (deep) {
      return InvalidArgument(origin + ": the manifest nests more than " +
                             std::to_string(kManifestDepthMax) + " deep");
    }
    if (!json.is_object()) return InvalidArgument(origin + ": the manifest is not a JSON object");
    return json;
  } catch (const Json::exception& e) {
    return InvalidArgument(origin + ": the manifest is not valid JSON: " + e.what());
  }
}

Status Wrong(const std::string& origin, const std::string& key, const std::string& want) {
  return InvalidArgument(origin + ": the manifest's \"" + key + "\" must be " + want);
}

Result<std::string> TextOf(const Json& object, const std::string& key, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return InvalidArgument(origin + ": the manifest lacks the key \"" + key + "\"");
  }
  if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
    return Wrong(origin, key, "a non-empty string");
  }
  return found->get<std::string>();
}

Result<int> NumberOf(const Json& object, const std::string& key, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return InvalidArgument(origin + ": the manifest lacks the key \"" + key + "\"");
  }
  if (!found->is_number_integer() || *found < 0 || *found > 1'000'000) {
    return Wrong(origin, key, "a small whole number");
  }
  return found->get<int>();
}

Result<Capability> ParseCapability(const Json& json, const std::string& origin) {
  if (!json.is_object()) return Wrong(origin, "capabilities", "a list of objects");
  Capability capability;
  DCP_ASSIGN(capability.name, TextOf(json, "name", origin));
  const std::string where = origin + ": capability " + capability.name;
  if (!IsName(capability.name)) return Wrong(where, "name", "[a-z][a-z0-9_-]*, at most 64 long");
  DCP_ASSIGN(capability.major, NumberOf(json, "major", where));
  DCP_ASSIGN(capability.minor, NumberOf(json, "minor", where));
  if (capability.major != kContractMajor) {
    return InvalidArgument(where + " has major version " + std::to_string(capability.major) +
                           ", this host speaks " + std::to_string(kContractMajor));
  }
  const auto methods = json.find("methods");
  if (methods == json.end()) return InvalidArgument(where + ": the key \"methods\" is missing");
  if (!methods->is_array() || methods->empty()) return Wrong(where, "methods", "a non-empty list");
  for (const Json& method : *methods) {
    if (!method.is_string()) return Wrong(where, "methods", "a list of strings");
    const auto name = method.get<std::string>();
    if (!IsMethod(name)) {
      return Wrong(where, "methods", "a list of names: a letter, then letters, digits and _");
    }
    if (std::count(capability.methods.begin(), capability.methods.end(), name) > 0) {
      return InvalidArgument(where + " lists the method \"" + name + "\" twice");
    }
    capability.methods.push_back(name);
  }
  return capability;
}

Status ParseCapabilities(const Json& json, const std::string& origin, Manifest& manifest) {
  const auto list = json.find("capabilities");
  if (list == json.end()) {
    return InvalidArgument(origin + ": the manifest lacks the key \"capabilities\"");
  }
  if (!list->is_array() || list->empty()) return Wrong(origin, "capabilities", "a non-empty list");
  for (const Json& entry : *list) {
    DCP_ASSIGN(Capability capability, ParseCapability(entry, origin));
    if (manifest.FindCapability(capability.name) != nullptr) {
      return InvalidArgument(origin + ": the manifest has the capability \"" + capability.name +
                             "\" twice");
    }
    manifest.capabilities.push_back(std::move(capability));
  }
  return Status::Ok();
}

Status ParseLanguageRuntime(const Json& json, const std::string& origin, Manifest& manifest) {
  if (!json.contains("language_runtime")) return Status::Ok();
  DCP_ASSIGN(const std::string runtime, TextOf(json, "language_runtime", origin));
  if (runtime != "native" && runtime != "managed") {
    return Wrong(origin, "language_runtime",
                 "\"native\" or \"managed\", and is \"" + runtime + "\"");
  }
  if (runtime == "managed") manifest.language_runtime = LanguageRuntime::kManaged;
  return Status::Ok();
}

/// From the text, because what was parsed has lost the order of keys, and people read them in it.
Status ParseConfigSchema(std::string_view text, const std::string& origin, Manifest& manifest) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto found = json.find("config_schema");
  if (found == json.end()) return Status::Ok();
  if (!found->is_object()) return Wrong(origin, "config_schema", "a JSON Schema: an object");
  const std::string schema =
      found->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  DCP_ASSIGN(manifest.config_schema,
             schema::Compile(schema).With(origin + ": the manifest's \"config_schema\""));
  return Status::Ok();
}

Status CheckEntry(const ElfFacts& facts, const std::string& path) {
  const auto& exported = facts.exported;
  if (std::binary_search(exported.begin(), exported.end(), DCP_ENTRY_SYMBOL)) return Status::Ok();
  for (const std::string& name : exported) {
    if (name.rfind(kEntryPrefix, 0) != 0) continue;
    return InvalidArgument(path + " is built for plugin ABI " + name.substr(kEntryPrefix.size()) +
                           " (it exports " + name + "), this host has ABI " +
                           std::to_string(DCP_ABI_MAJOR))
        .WithHint("build it with this release's SDK");
  }
  return InvalidArgument(path + " is no plugin: it does not export " DCP_ENTRY_SYMBOL)
      .WithHint("build it with dcp_add_plugin() of the SDK");
}

}  // namespace

const Capability* Manifest::FindCapability(std::string_view name) const {
  for (const Capability& capability : capabilities) {
    if (capability.name == name) return &capability;
  }
  return nullptr;
}

Result<Manifest> ParseManifest(std::string_view text, const std::string& origin) {
  DCP_ASSIGN(const Json json, ParseJson(text, origin));
  Manifest manifest;
  DCP_ASSIGN(manifest.id, TextOf(json, "id", origin));
  if (!IsName(manifest.id)) return Wrong(origin, "id", "[a-z][a-z0-9_-]*, at most 64 long");
  DCP_ASSIGN(manifest.version, TextOf(json, "version", origin));
  if (!IsVersion(manifest.version)) {
    return Wrong(origin, "version", "at most 64 visible characters, such as \"1.0.2\"");
  }
  DCP_ASSIGN(const std::string encoding, TextOf(json, "encoding", origin));
  if (encoding != "json" && encoding != "protobuf") {
    return Wrong(origin, "encoding", "\"json\" or \"protobuf\", and is \"" + encoding + "\"");
  }
  manifest.encoding = encoding == "json" ? Encoding::kJson : Encoding::kProtobuf;
  DCP_TRY(ParseLanguageRuntime(json, origin, manifest));
  DCP_TRY(ParseCapabilities(json, origin, manifest));
  DCP_TRY(ParseConfigSchema(text, origin, manifest));
  return manifest;
}

Result<Manifest> ReadManifest(const std::string& path) {
  DCP_ASSIGN(const ElfFacts facts, ReadElf(path));
  DCP_TRY(CheckEntry(facts, path));
  if (!facts.has_manifest) {
    return InvalidArgument(path + " has no section " DCP_MANIFEST_SECTION)
        .WithHint("build it with dcp_add_plugin() of the SDK");
  }
  return ParseManifest(facts.manifest, path);
}

}  // namespace dcp::host
