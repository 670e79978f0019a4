// SPDX-License-Identifier: Apache-2.0
//
// A plugin's manifest: who it is and what it offers, read from its file before it is loaded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::host {

struct Capability {
  std::string name;  ///< "test_backend"
  int major = 0;     ///< version of the contract's package
  int minor = 0;
  std::vector<std::string> methods;
};

enum class Encoding { kJson, kProtobuf };

/// What else lives in the process with the plugin's code: nothing, or a runtime that has threads,
/// signal handlers and memory of its own (Go, a JVM). The latter is for workers only.
enum class LanguageRuntime { kNative, kManaged };

/// How deep a manifest nests: its configuration's schema and the examples in it are the deepest.
constexpr int kManifestDepthMax = 100;

struct Manifest {
  std::string id;
  std::string version;
  Encoding encoding = Encoding::kJson;
  LanguageRuntime language_runtime = LanguageRuntime::kNative;  ///< key "language_runtime"
  std::vector<Capability> capabilities;
  /// Compiled (schema/schema.h); empty when the plugin publishes none. Key "config_schema".
  std::string config_schema;

  /// nullptr when the plugin does not offer it.
  const Capability* FindCapability(std::string_view name) const;
};

/// `origin` names the file in messages. Unknown keys are let pass: a plugin may be newer than we
/// are, and what this host must understand is guarded by the ABI's and the contract's versions.
Result<Manifest> ParseManifest(std::string_view json, const std::string& origin);

/// Reads and checks a plugin's file: an ELF shared object for this machine that exports the entry
/// symbol of our ABI major and carries a valid manifest.
Result<Manifest> ReadManifest(const std::string& path);

}  // namespace dcp::host
