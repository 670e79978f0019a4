// SPDX-License-Identifier: Apache-2.0
#include "cli/render/plugin_rates.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/render/json.h"

namespace dcp::cli {
namespace {

const std::vector<double> kBounds = {0.001, 0.01, 0.1};

v1::GetPluginMetricsResponse Sample(uint64_t calls, uint64_t errors,
                                    const std::vector<uint64_t>& counts, double cpu = 0) {
  v1::GetPluginMetricsResponse response;
  v1::PluginMetrics* metrics = response.add_instances();
  metrics->set_instance("one");
  metrics->set_plugin("echo");
  metrics->set_isolation("worker");
  metrics->set_state("READY");
  metrics->set_pid(77);
  metrics->set_calls(calls);
  metrics->set_errors(errors);
  metrics->set_rss_bytes(uint64_t{12} << 20);
  metrics->set_cpu_seconds(cpu);
  for (const double bound : kBounds) metrics->add_bucket_seconds(bound);
  for (const uint64_t count : counts) metrics->add_bucket_counts(count);
  return response;
}

TEST(QuantileTest, IsSpreadEvenlyWithinABucket) {
  const std::vector<uint64_t> counts = {0, 10, 10, 10};  // all between 1 and 10 ms
  EXPECT_DOUBLE_EQ(*Quantile(0.5, kBounds, counts), 0.001 + 0.009 * 0.5);
  EXPECT_DOUBLE_EQ(*Quantile(1.0, kBounds, counts), 0.01);
  EXPECT_DOUBLE_EQ(*Quantile(0.0, kBounds, counts), 0);
  const std::vector<uint64_t> two = {50, 50, 100, 100};  // half below 1 ms, half from 10 to 100 ms
  EXPECT_DOUBLE_EQ(*Quantile(0.5, kBounds, two), 0.001);
  EXPECT_DOUBLE_EQ(*Quantile(0.75, kBounds, two), 0.01 + 0.09 * 0.5);
}

TEST(QuantileTest, BeyondTheLastBoundIsTheLastBound) {
  EXPECT_DOUBLE_EQ(*Quantile(0.5, kBounds, {0, 0, 0, 4}), 0.1);
}

TEST(QuantileTest, OfNothingThereIsNone) {
  EXPECT_FALSE(Quantile(0.5, kBounds, {0, 0, 0, 0}));
  EXPECT_FALSE(Quantile(0.5, {}, {}));
  EXPECT_FALSE(Quantile(0.5, kBounds, {1, 2, 3}));  // an answer that is not whole
}

TEST(RatesTest, AreWhatHappenedBetweenTwoSamples) {
  const auto rates = RatesOf(Sample(100, 10, {100, 100, 100, 100}, 5),
                             Sample(120, 15, {100, 120, 120, 120}, 6), 2);
  ASSERT_EQ(rates.size(), 1U);
  EXPECT_DOUBLE_EQ(rates[0].calls_per_second, 10);
  EXPECT_DOUBLE_EQ(rates[0].errors_per_second, 2.5);
  EXPECT_DOUBLE_EQ(*rates[0].p50, 0.001 + 0.009 * 0.5);  // the first hundred do not count
  EXPECT_DOUBLE_EQ(*rates[0].cpu_percent, 50);
}

TEST(RatesTest, ADaemonThatWasStartedAnewCountsFromZero) {
  const auto rates = RatesOf(Sample(100, 10, {100, 100, 100, 100}), Sample(4, 0, {4, 4, 4, 4}), 2);
  EXPECT_DOUBLE_EQ(rates[0].calls_per_second, 2);
  EXPECT_DOUBLE_EQ(rates[0].errors_per_second, 0);
  EXPECT_TRUE(rates[0].p99);
}

TEST(RatesTest, AnotherWorkerHasNoShareOfTheProcessorYet) {
  auto after = Sample(1, 0, {1, 1, 1, 1}, 1);
  after.mutable_instances(0)->set_pid(78);
  EXPECT_FALSE(RatesOf(Sample(0, 0, {0, 0, 0, 0}, 9), after, 1)[0].cpu_percent);
}

TEST(RatesTest, TwoSamplesAtOneTimeAreNoDivisionByZero) {
  const auto rates = RatesOf({}, Sample(1, 0, {1, 1, 1, 1}), 0);
  EXPECT_LE(rates[0].calls_per_second, 1000);
}

TEST(RatesTest, TheTableHasALineForEachInstance) {
  PluginRates busy;
  busy.instance = "busy";
  busy.state = "READY";
  busy.calls_per_second = 1234.4;
  busy.errors_per_second = 0.25;
  busy.p50 = 0.000085;
  busy.p95 = 0.0012;
  busy.p99 = 65;
  busy.open = 3;
  busy.queued = 1;
  busy.restarts = 2;
  busy.rss_bytes = uint64_t{12} << 20;
  busy.cpu_percent = 12.34;
  PluginRates idle;
  idle.instance = "idle\x1b[2J";
  idle.state = "FAILED";
  const std::string text = RatesText({busy, idle}, Paint(false));
  const std::string first = text.substr(text.find('\n') + 1);
  EXPECT_EQ(text.find("INSTANCE"), 0U);
  EXPECT_EQ(first.find("busy"), 0U) << text;
  for (const char* word : {"READY", "1234 ", "0.2", "85 µs", "1.2 ms", "1m 5s", "12 MiB", "12.3"}) {
    EXPECT_NE(first.find(word), std::string::npos) << word << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(RatesTest, AsJson) {
  const auto after = Sample(120, 15, {100, 120, 120, 120}, 6);
  const auto json = nlohmann::json::parse(
      PluginMetricsJson(after, RatesOf(Sample(100, 10, {100, 100, 100, 100}, 5), after, 2), 2000));
  EXPECT_EQ(json["kind"], "PluginMetrics");
  EXPECT_EQ(json["intervalMs"], 2000);
  const auto& item = json["items"][0];
  EXPECT_EQ(item["instance"], "one");
  EXPECT_EQ(item["callsPerSecond"], 10);
  EXPECT_EQ(item["calls"], 120);
  EXPECT_DOUBLE_EQ(item["p50Ms"].get<double>(), 5.5);
  EXPECT_EQ(item["cpuPercent"], 50);
  EXPECT_FALSE(item.contains("openFds"));
}

}  // namespace
}  // namespace dcp::cli
