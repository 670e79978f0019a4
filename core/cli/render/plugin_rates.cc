// SPDX-License-Identifier: Apache-2.0
//
// Rates, quantiles, and their table.
#include "cli/render/plugin_rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "cli/duration.h"

namespace dcp::cli {
namespace {

std::string Decimal(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// "85 µs", "1.2 ms", "340 ms", "2.5 s", "1m 5s": two or three digits that count.
std::string DurationText(const std::optional<double>& seconds) {
  if (!seconds) return "-";
  if (*seconds < 0.001) return Decimal(*seconds * 1e6, 0) + " µs";
  if (*seconds < 0.01) return Decimal(*seconds * 1e3, 1) + " ms";
  return FormatDuration(std::llround(*seconds * 1e3));
}

std::string BytesText(uint64_t bytes) {
  if (bytes == 0) return "-";
  constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return Decimal(value, value < 10 ? 1 : 0) + " " + std::string(kUnits[unit]);
}

std::string RateText(double rate) { return Decimal(rate, rate < 100 ? 1 : 0); }

const v1::PluginMetrics& Before(const v1::GetPluginMetricsResponse& before,
                                const v1::PluginMetrics& after) {
  for (const v1::PluginMetrics& each : before.instances()) {
    const bool went_back = each.calls() > after.calls() || each.errors() > after.errors();
    if (each.instance() == after.instance() && !went_back) return each;
  }
  return v1::PluginMetrics::default_instance();
}

std::vector<uint64_t> Difference(const v1::PluginMetrics& before, const v1::PluginMetrics& after) {
  std::vector<uint64_t> counts;
  for (int i = 0; i < after.bucket_counts_size(); ++i) {
    const uint64_t old = i < before.bucket_counts_size() ? before.bucket_counts(i) : 0;
    counts.push_back(after.bucket_counts(i) - std::min(old, after.bucket_counts(i)));
  }
  return counts;
}

}  // namespace

std::optional<double> Quantile(double quantile, const std::vector<double>& bounds,
                               const std::vector<uint64_t>& counts) {
  if (bounds.empty() || counts.size() != bounds.size() + 1 || counts.back() == 0) {
    return std::nullopt;
  }
  const double rank = quantile * static_cast<double>(counts.back());
  size_t bucket = 0;
  while (bucket < bounds.size() && static_cast<double>(counts[bucket]) < rank) ++bucket;
  if (bucket == bounds.size()) return bounds.back();
  const double low = bucket == 0 ? 0 : bounds[bucket - 1];
  const double below = bucket == 0 ? 0 : static_cast<double>(counts[bucket - 1]);
  const double inside = static_cast<double>(counts[bucket]) - below;
  if (inside <= 0) return low;  // a quantile of 0, in front of all
  return low + (bounds[bucket] - low) * (rank - below) / inside;
}

std::vector<PluginRates> RatesOf(const v1::GetPluginMetricsResponse& before,
                                 const v1::GetPluginMetricsResponse& after, double seconds) {
  seconds = std::max(seconds, 1e-3);  // two samples at one time say nothing; not infinity
  std::vector<PluginRates> all;
  for (const v1::PluginMetrics& now : after.instances()) {
    const v1::PluginMetrics& old = Before(before, now);
    PluginRates rates;
    rates.instance = now.instance();
    rates.state = now.state();
    rates.calls_per_second = static_cast<double>(now.calls() - old.calls()) / seconds;
    rates.errors_per_second = static_cast<double>(now.errors() - old.errors()) / seconds;
    const std::vector<double> bounds(now.bucket_seconds().begin(), now.bucket_seconds().end());
    const std::vector<uint64_t> counts = Difference(old, now);
    rates.p50 = Quantile(0.50, bounds, counts);
    rates.p95 = Quantile(0.95, bounds, counts);
    rates.p99 = Quantile(0.99, bounds, counts);
    rates.open = now.open();
    rates.queued = now.queued();
    rates.restarts = now.restarts();
    rates.rss_bytes = now.rss_bytes();
    if (now.pid() != 0 && now.pid() == old.pid()) {
      rates.cpu_percent = std::max(0.0, (now.cpu_seconds() - old.cpu_seconds()) / seconds * 100);
    }
    all.push_back(std::move(rates));
  }
  return all;
}

std::string RatesText(const std::vector<PluginRates>& rates, const Paint& paint) {
  Table table({"INSTANCE", "STATE", "CALLS/S", "ERR/S", "P50", "P95", "P99", "OPEN", "QUEUED",
               "RESTARTS", "RSS", "CPU%"});
  for (const PluginRates& each : rates) {
    const std::string errors = RateText(each.errors_per_second);
    table.Add({Printable(each.instance), paint.State(each.state), RateText(each.calls_per_second),
               each.errors_per_second > 0 ? paint.Red(errors) : errors, DurationText(each.p50),
               DurationText(each.p95), DurationText(each.p99), std::to_string(each.open),
               std::to_string(each.queued), std::to_string(each.restarts),
               BytesText(each.rss_bytes), each.cpu_percent ? Decimal(*each.cpu_percent, 1) : "-"});
  }
  return table.Text();
}

}  // namespace dcp::cli
