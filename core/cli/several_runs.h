// SPDX-License-Identifier: Apache-2.0
//
// A command over more manifests than one run takes: several runs, one after the other, with one
// progress, one output and one exit code. Holds the manifests of one run at a time.
#pragma once

#include <string>
#include <vector>

#include "cli/run_watch.h"

namespace dcp::cli {

/// Manifests that are outlined in one call, and their bytes: a part of what a call takes, since the
/// files that they name come on top.
constexpr size_t kOutlineManifestsMax = 100;
constexpr uint64_t kOutlineBytesMax = uint64_t{4} << 20;
/// Files that the manifests of one run name: as many as the daemon takes.
constexpr size_t kFilesOfRunMax = 400;
/// A terminal is told of the progress at most this often.
constexpr int64_t kProgressMs = 200;

/// Answers the exit code.
int RunInPieces(Session& session, Client& client, const std::string& playground,
                const RunPlan& plan, const std::string& token, NotNow& not_now,
                const std::vector<ManifestName>& names, ManifestReader& reader);

}  // namespace dcp::cli
