// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin top.
#include <sstream>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/render/json.h"
#include "cli/render/plugin_rates.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

constexpr int64_t kIntervalDefaultMs = 2'000;
/// Below, the asking itself is what is seen; above, nobody watches.
constexpr int64_t kIntervalMinMs = 100;
constexpr int64_t kIntervalMaxMs = 3'600'000;

struct Sample {
  SteadyMillis at = 0;
  v1::GetPluginMetricsResponse metrics;
};

Result<int64_t> IntervalOf(const Arguments& arguments) {
  if (!arguments.Has("interval")) return kIntervalDefaultMs;
  DCP_ASSIGN(const int64_t interval, ParseDuration(arguments.Text("interval")));
  if (interval >= kIntervalMinMs && interval <= kIntervalMaxMs) return interval;
  return InvalidArgument("--interval " + arguments.Text("interval") + " is not from 100ms to 1h");
}

Result<Sample> Take(Client& client) {
  DCP_ASSIGN(auto metrics, client.GetPluginMetrics());
  return Sample{SystemClock().Steady(), std::move(metrics)};
}

std::vector<PluginRates> Between(const Sample& before, const Sample& after) {
  return RatesOf(before.metrics, after.metrics, static_cast<double>(after.at - before.at) / 1000);
}

/// Over what stood there before, without a flicker: lines end with what clears their rest.
std::string Frame(const std::string& text) {
  std::string frame = "\x1b[H";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) frame += line + "\x1b[K\n";
  return frame + "\x1b[J";
}

int ShowOnce(Session& session, Client& client, const Sample& first, int64_t interval) {
  const Interrupts interrupts([] {});
  if (interrupts.WaitFor(interval)) return kExitInterrupted;
  const auto second = Take(client);
  if (!second.ok()) return session.Fail(second.status());
  const auto rates = Between(first, *second);
  session.Print(session.json() ? PluginMetricsJson(second->metrics, rates, second->at - first.at)
                               : RatesText(rates, session.paint()));
  return kExitOk;
}

/// Until Ctrl-C, which is how it is meant to end. A daemon that restarts is waited for.
int Watch(Session& session, Client& client, Sample before, int64_t interval) {
  const Interrupts interrupts([] {});
  const std::string title =
      "pretzel plugin top: every " + FormatDuration(interval) + ", Ctrl-C ends it\n\n";
  session.Print("\x1b[2J" + Frame(title + "measuring\n"));
  while (!interrupts.WaitFor(interval)) {
    auto after = Take(client);
    if (after.ok()) {
      session.Print(Frame(title + RatesText(Between(before, *after), session.paint())));
      before = std::move(after).value();
    } else if (after.status().code() != Code::kUnavailable ||
               SystemClock().Steady() - before.at > interval + kReconnectMs) {
      return session.Fail(after.status());
    } else {
      session.Print(Frame(title + Printable(after.status().message()) + "\n"));
    }
  }
  return kExitOk;
}

int Top(Session& session) {
  const auto interval = IntervalOf(session.arguments());
  if (!interval.ok()) return session.Fail(interval.status());
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  auto first = Take(**client);
  if (!first.ok()) return session.Fail(first.status());
  if (session.format() == Format::kName) {
    for (const auto& each : first->metrics.instances()) {
      session.Print(Printable(each.instance()) + "\n");
    }
    return kExitOk;
  }
  const bool screen = session.io().out_is_terminal && session.io().env("TERM") != "dumb";
  if (session.arguments().Has("once") || session.json() || !screen) {
    return ShowOnce(session, **client, *first, *interval);
  }
  return Watch(session, **client, std::move(first).value(), *interval);
}

}  // namespace

Command PluginTopCommand() {
  return {
      .path = {"plugin", "top"},
      .summary = "Show what plugin instances do: calls, errors, durations, memory",
      .details =
          "Rates are those of the last interval; P50, P95 and P99 are estimates from a histogram "
          "of "
          "how\nlong calls took. OPEN are calls that have not ended, QUEUED those of them that "
          "wait "
          "for a worker\nto be ready. RSS and CPU are the worker's own; CPU% is of one core. On a "
          "terminal it goes on\nuntil Ctrl-C; elsewhere, and with --once or -o json, it takes two "
          "samples and shows them once.",
      .flags = {{"interval", 0, "TIME", "between two samples; 2s unless given, from 100ms to 1h"},
                {"once", 0, "", "one table, also on a terminal"}},
      .examples =
          "  pretzel plugin top\n"
          "  pretzel plugin top --once --interval 10s\n"
          "  pretzel plugin top -o json | jq '.items[] | {instance, p99Ms}'\n",
      .run = Top};
}

}  // namespace dcp::cli
