// SPDX-License-Identifier: Apache-2.0
//
// The JSON contract of -o json: {"apiVersion":"dcp/v1","kind":…}. Times are RFC 3339 in UTC,
// durations are milliseconds, numbers are numbers. Fields are only ever added.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/context_file.h"
#include "cli/error_page.h"
#include "cli/render/plugin_rates.h"
#include "dcp/v1/dcp.pb.h"
#include "dcp/v1/plugins.pb.h"

namespace dcp::cli {

std::string PlaygroundJson(const v1::Playground& playground);
std::string PlaygroundsJson(const v1::ListPlaygroundsResponse& list);
/// With a report: the report's own kind, its body's fields beside status and findings. Else kind
/// "Run".
std::string RunJson(const v1::Run& run);
std::string RunsJson(const v1::ListRunsResponse& list);
/// A command of several runs, kind "Reports", written as its runs end: the documents of RunJson,
/// with commas between, stand between these two.
std::string RunsOfCommandJsonBegin(const std::string& command, const std::string& playground,
                                   size_t manifests);
std::string RunsOfCommandJsonEnd(const std::string& status, size_t runs,
                                 const std::map<std::string, int64_t>& datasets,
                                 size_t manifests_left);
std::string GcJson(const v1::GcResponse& gc, bool dry_run);
std::string DeletionPreviewJson(const v1::DeletionPreview& preview);
std::string SweepJson(const v1::SweepResponse& sweep, bool dry_run);
std::string ConnectJson(const v1::ConnectPlaygroundResponse& connect);
std::string DoctorJson(const v1::DoctorResponse& doctor);
std::string StatusJson(const v1::GetStatusResponse& status);
/// Counters since the daemon's start, and rates over the last `interval_ms`.
std::string PluginMetricsJson(const v1::GetPluginMetricsResponse& metrics,
                              const std::vector<PluginRates>& rates, int64_t interval_ms);
/// On one line: there is no end to wait for.
std::string PluginLogLineJson(const std::string& instance, const v1::PluginLogLine& line);
std::string ReloadJson(const v1::ReloadResponse& reload);
std::string PluginDescriptionJson(const v1::DescribePluginResponse& plugin);
std::string WhoAmIJson(const v1::WhoAmIResponse& who);
std::string VersionJson(const std::string& version);
std::string ErrorExplanationJson(const ErrorEntry& entry);
std::string ConfigJson(const std::vector<std::pair<std::string, Setting>>& settings);

}  // namespace dcp::cli
