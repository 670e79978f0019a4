// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/file_checks.h"

#include <dcp/plugin.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "host/contract.h"
#include "host/in_process_rules.h"
#include "plugin_check/child.h"
#include "schema/schema.h"

namespace dcp::plugin_check {
namespace {

using Json = nlohmann::json;
using Facts = const FileFacts&;

#if defined(__x86_64__)
constexpr char kLoader[] = "/lib64/ld-linux-x86-64.so.2";
#else
constexpr char kLoader[] = "/lib/ld-linux-aarch64.so.1";
#endif
constexpr int64_t kLoaderMs = 20'000;

/// From lines such as "\tlibz.so.1 => /lib/libz.so.1 (0x...)" and "\tlibq.so => not found".
Result<std::vector<NeededLibrary>> AskLoader(const std::string& path) {
  DCP_ASSIGN(const std::string list,
             // As ldd asks: `--list` gives up at the first library that is missing.
             RunForOutput({kLoader, path}, kLoaderMs, {{"LD_TRACE_LOADED_OBJECTS", "1"}})
                 .With("the dynamic loader"));
  std::vector<NeededLibrary> libraries;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    const size_t arrow = line.find(" => ");
    if (arrow == std::string::npos) continue;
    const std::string rest = line.substr(arrow + 4);
    const std::string name = line.substr(line.find_first_not_of(" \t"), arrow);
    const bool found = rest.rfind("not found", 0) != 0;
    libraries.push_back(
        {name.substr(0, name.find(' ')), found ? rest.substr(0, rest.find(' ')) : ""});
  }
  return libraries;
}

std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kShownMax = 5;  // enough to know what they are
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShownMax; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kShownMax)
    text += " and " + std::to_string(names.size() - kShownMax) + " more";
  return text;
}

std::string Exports(Facts facts) {
  std::vector<std::string> others;
  // Unique symbols have a check of their own.
  const auto& unique = facts.dynamic.ok() ? facts.dynamic->unique : std::vector<std::string>();
  for (const std::string& name : facts.elf->exported) {
    const bool known =
        name == DCP_ENTRY_SYMBOL || std::find(unique.begin(), unique.end(), name) != unique.end();
    if (!known) others.push_back(name);
  }
  return others.empty() ? "" : "it also exports " + Listed(others);
}

std::string Entry(Facts facts) {
  const auto& exported = facts.elf->exported;
  if (std::binary_search(exported.begin(), exported.end(), DCP_ENTRY_SYMBOL)) return "";
  return exported.empty() ? "it exports nothing" : "it exports " + Listed(exported);
}

std::string Needed(Facts facts) {
  if (!facts.libraries.ok()) return facts.libraries.status().message();
  std::vector<std::string> missing;
  for (const NeededLibrary& library : *facts.libraries) {
    if (library.path.empty()) missing.push_back(library.name);
  }
  return missing.empty() ? "" : "not found: " + Listed(missing);
}

std::string Allocator(Facts facts) {
  if (!facts.libraries.ok()) return "";  // elf-needed says so
  std::vector<std::string> found;
  for (const NeededLibrary& library : *facts.libraries) {
    for (const char* start : {"libjemalloc", "libtcmalloc", "libmimalloc", "libpython"}) {
      if (library.name.rfind(start, 0) == 0) found.push_back(library.name);
    }
  }
  return found.empty() ? "" : "it needs " + Listed(found);
}

/// "2.36" as {2, 36}; empty for what is no such number.
std::vector<int> VersionOf(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, '.');) {
    if (part.empty() || part.size() > 6) return {};
    if (part.find_first_not_of("0123456789") != std::string::npos) return {};
    numbers.push_back(std::stoi(part));
  }
  return numbers;
}

std::string Glibc(Facts facts, const std::string& newest) {
  constexpr std::string_view kPrefix = "GLIBC_";
  for (const auto& [library, version] : facts.dynamic->versions) {
    if (version.rfind(kPrefix, 0) != 0) continue;
    const std::vector<int> number = VersionOf(version.substr(kPrefix.size()));
    if (number.empty())
      return "it needs " + version + " of " + library + ", which is for glibc alone";
    if (number > VersionOf(newest))
      return "it needs " + version + " of " + library + ", " + newest + " is the limit";
  }
  return "";
}

std::string Relro(Facts facts) {
  if (!facts.dynamic->relro) return "it has no read-only part after relocation";
  return facts.dynamic->bind_now ? "" : "its symbols are bound late, so its tables stay writable";
}

std::string Rpath(Facts facts) {
  std::istringstream folders(facts.dynamic->search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.rfind("$ORIGIN", 0) == 0 || folder.rfind("${ORIGIN}", 0) == 0) continue;
    return "it searches " + (folder.empty() ? "the working folder" : folder);
  }
  return "";
}

std::string Hooks(Facts facts) {
  if (facts.dynamic->interposes) return "it is linked with -z interpose";
  if (facts.dynamic->global) return "it is linked with -z global";
  return facts.dynamic->hooks.empty() ? "" : "it is linked with " + Listed(facts.dynamic->hooks);
}

std::string InContract(Facts facts) {
  for (const host::Capability& capability : facts.manifest->capabilities) {
    for (const std::string& method : capability.methods) {
      const Status known = host::Contract::Check(capability.name, method);
      if (!known.ok()) return known.message();
    }
  }
  return "";
}

Json SchemaOf(Facts facts) {
  if (!facts.elf.ok()) return Json();
  const Json manifest = Json::parse(facts.elf->manifest, nullptr, false);
  return manifest.is_object() ? manifest.value("config_schema", Json()) : Json();
}

std::string Schema(Facts facts) {
  const std::string& schema = facts.manifest->config_schema;
  return schema.empty() ? "" : Listed(schema::Lint(schema));
}

std::vector<std::string> ExamplesOf(Facts facts) {
  const Json schema = SchemaOf(facts);
  std::vector<std::string> examples;
  if (!schema.is_object() || !schema.contains("examples")) return examples;
  if (!schema["examples"].is_array()) return examples;
  for (const Json& example : schema["examples"]) examples.push_back(example.dump());
  return examples;
}

std::string InProcess(Facts facts) {
  const Status status = host::CheckInProcess(facts.path, "it");
  return status.ok() ? "" : status.message();
}

const std::map<std::string_view, std::string (*)(Facts)>& OfDynamic() {
  static const std::map<std::string_view, std::string (*)(Facts)> checks = {
      {"elf-unique",
       [](Facts facts) {
         const auto& unique = facts.dynamic->unique;
         return unique.empty() ? std::string() : "it defines " + Listed(unique);
       }},
      {"elf-stack",
       [](Facts facts) {
         return std::string(facts.dynamic->executable_stack ? "it asks for an executable stack"
                                                            : "");
       }},
      {"elf-text",
       [](Facts facts) {
         return std::string(facts.dynamic->text_relocations ? "it has text relocations" : "");
       }},
      {"elf-nodelete",
       [](Facts facts) {
         return std::string(facts.dynamic->stays ? "" : "it is not linked with -z nodelete");
       }},
      {"elf-relro", Relro},
      {"elf-rpath", Rpath},
      {"elf-hooks", Hooks},
  };
  return checks;
}

const std::map<std::string_view, std::string (*)(Facts)>& OfFile() {
  static const std::map<std::string_view, std::string (*)(Facts)> checks = {
      {"elf-entry", Entry},
      {"elf-exports", Exports},
      {"elf-needed", Needed},
      {"elf-allocator", Allocator},
      {"in-process-ready", InProcess},
      {"manifest-contract", InContract},
      {"manifest-schema", Schema},
  };
  return checks;
}

Verdict FromWords(const std::string& words) {
  return words.empty() ? Verdict::Passed() : Verdict::Failed(words);
}

}  // namespace

FileFacts ReadFacts(const std::string& path) {
  FileFacts facts;
  facts.path = path;
  facts.elf = host::ReadElf(path);
  facts.manifest = host::ReadManifest(path);
  // Another reader of the same file may find what the first did not look at.
  if (facts.elf.ok()) facts.dynamic = host::ReadDynamic(path);
  if (facts.dynamic.ok()) facts.libraries = AskLoader(path);
  facts.schema_examples = ExamplesOf(facts);
  return facts;
}

Verdict RunFileCheck(const Check& check, const FileFacts& facts, const std::string& glibc) {
  if (check.name == "elf-kind") {
    if (!facts.elf.ok()) return Verdict::Failed(facts.elf.status().message());
    return FromWords(facts.dynamic.ok() ? "" : facts.dynamic.status().message());
  }
  if (!facts.elf.ok() || !facts.dynamic.ok()) {
    return Verdict::NotRun("the file cannot be read: see elf-kind");
  }
  if (check.name == "elf-glibc") return FromWords(Glibc(facts, glibc));
  if (const auto found = OfDynamic().find(check.name); found != OfDynamic().end()) {
    return FromWords(found->second(facts));
  }
  if (check.name == "manifest-present") {
    // The entry is looked at elsewhere: here the manifest alone counts.
    if (!facts.elf->has_manifest) return Verdict::Failed("it has no section " DCP_MANIFEST_SECTION);
    const auto parsed =
        host::ParseManifest(facts.elf->manifest, "its section " DCP_MANIFEST_SECTION);
    return FromWords(parsed.ok() ? "" : parsed.status().message());
  }
  const auto found = OfFile().find(check.name);
  if (found == OfFile().end()) return Verdict::Failed("this program has no such check");
  if (check.name.rfind("manifest", 0) == 0 && !facts.manifest.ok()) {
    return Verdict::NotRun("the manifest cannot be read: see manifest-present");
  }
  return FromWords(found->second(facts));
}

}  // namespace dcp::plugin_check
