// SPDX-License-Identifier: Apache-2.0
//
// Which files a command sends: the manifests that were named, and what those name in turn.
#pragma once

#include <map>
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

/// Files, folders (their *.yaml and *.yml, sorted, not below) and "-". Each file once.
Result<std::vector<SourceFile>> ReadManifests(const Io& io, const std::vector<std::string>& paths);

/// The file that a manifest asked for as `wanted`, seen from here or from the manifest's folder. It
/// must lie, links resolved, in or below the folder of one of the manifests: PERMISSION_DENIED
/// for one that does not, so no manifest makes this program send the rest of the disk.
Result<SourceFile> ReadNeeded(const std::vector<SourceFile>& manifests, const std::string& wanted);

}  // namespace dcp::cli
