// SPDX-License-Identifier: Apache-2.0
//
// pretzel run logs.
#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/run_flow.h"

namespace dcp::cli {
namespace {

/// Prints a run's logs, each byte once. A daemon that comes back begins them anew, so what was
/// printed of each file is left out then.
class LogPrinter {
 public:
  explicit LogPrinter(Session& session) : session_(session) {}

  void Begin() { skip_ = printed_; }
  void Take(const v1::LogChunk& chunk) {
    const std::string file = chunk.node_id() + "/" + chunk.stream();
    std::string_view data = chunk.data();
    const size_t known = std::min(skip_[file], data.size());
    skip_[file] -= known;
    data.remove_prefix(known);
    if (data.empty()) return;
    printed_[file] += data.size();
    total_ += data.size();
    session_.Print(session_.io().out_is_terminal ? Printable(data) : std::string(data));
  }
  size_t total() const { return total_; }

 private:
  Session& session_;
  std::map<std::string, size_t> printed_;
  std::map<std::string, size_t> skip_;
  size_t total_ = 0;
};

/// Until the run has ended; a daemon that restarts is waited for as while a run is watched.
Status Follow(Client& client, const v1::GetRunLogsRequest& request, LogPrinter& printer) {
  SteadyMillis lost_since = 0;
  while (true) {
    const size_t before = printer.total();
    printer.Begin();
    const Status status =
        client.GetRunLogs(request, [&](const v1::LogChunk& chunk) { printer.Take(chunk); });
    const bool lost = status.code() == Code::kUnavailable || status.code() == Code::kCancelled;
    if (!request.follow() || !lost) return status;
    const SteadyMillis now = SystemClock().Steady();
    if (lost_since == 0 || printer.total() > before) lost_since = now;
    if (now - lost_since > kReconnectMs) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(kReconnectPauseMs));
  }
}

int Logs(Session& session) {
  v1::GetRunLogsRequest request;
  request.set_id(session.arguments().Word(0));
  request.set_node_id(session.arguments().Text("node"));
  request.set_follow(session.arguments().Has("follow"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  v1::GetRunRequest wanted;
  wanted.set_id(request.id());
  // Asked before following, which is patient: a wrong id or a daemon that is down is said at once.
  if (const auto run = (*client)->GetRun(wanted); !run.ok()) return session.Fail(run.status());
  LogPrinter printer(session);
  const Status status = Follow(**client, request, printer);
  if (!status.ok()) return session.Fail(status);
  if (printer.total() == 0) session.Note("run " + request.id() + " has written no log");
  return kExitOk;
}

}  // namespace

Command RunLogsCommand() {
  return {.path = {"run", "logs"},
          .arguments = "RUN",
          .summary = "Print what the run's jobs wrote",
          .details =
              "With -f, until the run has ended; a daemon that restarts meanwhile is waited "
              "for up to 30 seconds.",
          .flags = {{"follow", 'f', "", "go on until the run has ended"},
                    {"node", 0, "NODE", "of this node only"}},
          .examples =
              "  pretzel run logs r0123456789abcdef\n"
              "  pretzel run logs -f r0123456789abcdef | grep WARN\n",
          .words_min = 1,
          .words_max = 1,
          .run = Logs};
}

}  // namespace dcp::cli
