// SPDX-License-Identifier: Apache-2.0
//
// Runs and their reports as text for people.
#pragma once

#include <string>
#include <vector>

#include "cli/manifests.h"
#include "cli/render/text.h"
#include "dcp/v1/dcp.pb.h"

namespace dcp::cli {

/// What a command found and did. `sources` are the files at hand, for quoting the line that a
/// finding is about; findings in other files go without.
std::string ReportText(const v1::Run& run, const std::vector<SourceFile>& sources,
                       const Paint& paint);
/// A run with its nodes, and its report when it has one.
std::string RunText(const v1::Run& run, const Paint& paint);
std::string RunsText(const v1::ListRunsResponse& list, const Paint& paint);
/// One line about a node that ended, for progress.
std::string NodeLine(const v1::RunEvent& event, int64_t duration_ms, const Paint& paint);

}  // namespace dcp::cli
