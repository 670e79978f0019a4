// SPDX-License-Identifier: Apache-2.0
//
// pretzel plugin logs.
#include <algorithm>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/render/json.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

/// More than any daemon keeps.
constexpr int kTailMax = 1'000'000;

Result<int32_t> TailOf(const Arguments& arguments) {
  if (!arguments.Has("tail")) return 0;
  const std::string text = arguments.Text("tail");
  const bool digits =
      !text.empty() && text.size() <= 7 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const int tail = digits ? std::stoi(text) : 0;
  if (tail >= 1 && tail <= kTailMax) return tail;
  return InvalidArgument("--tail " + text.substr(0, 80) + " is not a number from 1 to " +
                         std::to_string(kTailMax));
}

class LinePrinter {
 public:
  LinePrinter(Session& session, std::string instance)
      : session_(session), instance_(std::move(instance)) {}

  /// What comes next begins anew: what was printed is left out.
  void Resume() { resumed_ = true; }
  void Take(const v1::PluginLogLine& line) {
    // All times have the same form and length, so they compare as texts.
    if (resumed_ && line.time() <= last_) return;
    resumed_ = false;
    last_ = line.time();
    ++count_;
    session_.Print(session_.json() ? PluginLogLineJson(instance_, line) : Text(line));
  }
  size_t count() const { return count_; }

 private:
  std::string Text(const v1::PluginLogLine& line) const {
    const Paint paint = session_.paint();
    std::string level = Printable(line.level());
    level.resize(std::max<size_t>(level.size(), 7), ' ');
    std::string source = Printable(line.source());
    source.resize(std::max<size_t>(source.size(), 6), ' ');
    if (line.level() == "error") level = paint.Red(level);
    if (line.level() == "warning") level = paint.Yellow(level);
    return Printable(line.time()) + " " + level + " " + source + " " + Printable(line.text()) +
           "\n";
  }

  Session& session_;
  const std::string instance_;
  bool resumed_ = false;
  std::string last_;
  size_t count_ = 0;
};

/// Until the log's end, or with `follow` until Ctrl-C; a daemon that restarts is waited for.
Status Follow(Client& client, v1::GetPluginLogsRequest request, LinePrinter& printer) {
  CancelSlot slot;
  const Interrupts interrupts([&slot] { slot.Cancel(); });
  SteadyMillis lost_since = 0;
  while (true) {
    const size_t before = printer.count();
    const Status status = client.GetPluginLogs(
        request, [&](const v1::PluginLogLine& line) { printer.Take(line); },
        [&](std::function<void()> cancel) { slot.Set(std::move(cancel)); });
    if (interrupts.Happened()) return request.follow() ? Status() : Cancelled("interrupted");
    const bool lost = status.code() == Code::kUnavailable || status.code() == Code::kCancelled;
    if (!request.follow() || !lost) return status;
    const SteadyMillis now = SystemClock().Steady();
    if (lost_since == 0 || printer.count() > before) lost_since = now;
    if (now - lost_since > kReconnectMs) return status;
    if (interrupts.WaitFor(kReconnectPauseMs)) return {};
    printer.Resume();
    request.set_tail(0);
  }
}

int Logs(Session& session) {
  const auto tail = TailOf(session.arguments());
  if (!tail.ok()) return session.Fail(tail.status());
  v1::GetPluginLogsRequest request;
  request.set_instance(session.arguments().Word(0));
  request.set_tail(*tail);
  request.set_follow(session.arguments().Has("follow"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  // Asked before following, which is patient: a daemon that is down is said at once.
  if (const auto up = (*client)->GetPluginMetrics(); !up.ok()) return session.Fail(up.status());
  LinePrinter printer(session, request.instance());
  const Status status = Follow(**client, request, printer);
  if (!status.ok()) return session.Fail(status);
  if (printer.count() == 0) {
    session.Note("nothing was written by or about " + request.instance() +
                 " since the daemon's start");
  }
  return kExitOk;
}

}  // namespace

Command PluginLogsCommand() {
  return {
      .path = {"plugin", "logs"},
      .arguments = "INSTANCE",
      .summary = "Print what a plugin instance wrote, and what the daemon says about it",
      .details =
          "For operators, since a plugin may write what belongs to others. The daemon keeps the "
          "last 2000\nlines or 512 KiB of each instance in memory, also over restarts of its "
          "worker "
          "and reloads; its own\nlog has them all. The third column says where a line is from: "
          "plugin (its log function), stderr,\nstdout, or host. With -f it goes on until Ctrl-C. "
          "-o json prints one document a line.",
      .flags = {{"follow", 'f', "", "go on with what is written from now on"},
                {"tail", 'n', "N", "begin with the last N lines; all that are kept unless given"}},
      .examples =
          "  pretzel plugin logs local-batch\n"
          "  pretzel plugin logs -f -n 20 shared-test-cluster\n"
          "  pretzel plugin logs local-batch -o json | jq -r 'select(.source == \"host\").text'\n",
      .words_min = 1,
      .words_max = 1,
      .run = Logs};
}

}  // namespace dcp::cli
