// SPDX-License-Identifier: Apache-2.0
//
// From two samples of plugins' counters to what happened between them, and that as a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/render/text.h"
#include "dcp/v1/plugins.pb.h"

namespace dcp::cli {

/// One instance, between two samples.
struct PluginRates {
  std::string instance;
  std::string state;
  double calls_per_second = 0;
  double errors_per_second = 0;
  /// Of the calls that ended in between, in seconds; nothing when there was none.
  std::optional<double> p50;
  std::optional<double> p95;
  std::optional<double> p99;
  uint64_t open = 0;
  uint64_t queued = 0;
  int32_t restarts = 0;    ///< since the daemon's start
  uint64_t rss_bytes = 0;  ///< 0 without a worker
  /// Of one core; nothing without a worker, or when it is another than before.
  std::optional<double> cpu_percent;
};

/// The value below which the share `quantile` of a histogram lies, taken to be spread evenly within
/// its bucket; nothing for a histogram without a count. `counts` are cumulative and one more than
/// the bounds: what lies beyond the last bound is estimated as that bound.
std::optional<double> Quantile(double quantile, const std::vector<double>& bounds,
                               const std::vector<uint64_t>& counts);

/// For each instance of `after`, in its order. One that `before` does not know, or whose counters
/// went back because the daemon was started anew, counts from zero.
std::vector<PluginRates> RatesOf(const v1::GetPluginMetricsResponse& before,
                                 const v1::GetPluginMetricsResponse& after, double seconds);

std::string RatesText(const std::vector<PluginRates>& rates, const Paint& paint);

}  // namespace dcp::cli
