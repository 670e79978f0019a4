// SPDX-License-Identifier: Apache-2.0
//
// Which files a command sends: the manifests that were named, and what those name in turn.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/io.h"

namespace dcp::cli {

struct SourceFile {
  std::string path;  ///< as typed, or as the folder it was found in was typed
  std::string content;
};

/// "-" among the paths reads standard input, which is then called "stdin".
inline constexpr char kStdinName[] = "stdin";

struct ManifestName {
  std::string path;    ///< "-" for standard input
  uint64_t bytes = 0;  ///< of the file as it is now
};

/// Files, folders (their *.yaml and *.yml, sorted, not below) and "-". Each file once; at most
/// limits::kCommandManifestsMax, else RESOURCE_EXHAUSTED with their number.
Result<std::vector<ManifestName>> NameManifests(const std::vector<std::string>& paths);

/// Reads manifests when they are wanted, so that not all of them need be held; standard input,
/// which can be read but once, is kept.
class ManifestReader {
 public:
  explicit ManifestReader(const Io& io) : io_(io) {}
  Result<SourceFile> Read(const std::string& path);
  Result<std::vector<SourceFile>> ReadAll(const std::vector<ManifestName>& names);

 private:
  const Io& io_;
  std::optional<std::string> stdin_;
};

/// YAML documents in it, or more: a line that only looks as if it began one counts.
size_t CountDocuments(const std::string& content);

/// The file that a manifest asked for as `wanted`, seen from here or from the manifest's folder. It
/// must lie, links resolved, in or below the folder of one of the manifests: PERMISSION_DENIED
/// for one that does not, so no manifest makes this program send the rest of the disk.
Result<SourceFile> ReadNeeded(const std::vector<SourceFile>& manifests, const std::string& wanted);

}  // namespace dcp::cli
