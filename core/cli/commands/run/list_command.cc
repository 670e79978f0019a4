// SPDX-License-Identifier: Apache-2.0
//
// pretzel run list.
#include <charconv>
#include <utility>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"
#include "cli/render/report.h"

namespace dcp::cli {
namespace {

constexpr int kLimitDefault = 50;

Result<int> LimitOf(const std::string& text) {
  int limit = kLimitDefault;
  if (text.empty()) return limit;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error == std::errc() && end == text.data() + text.size() && limit > 0) return limit;
  return InvalidArgument("--limit " + text.substr(0, 80) + " is not a number above 0");
}

/// Pages until there are `limit` runs or no more; those of all pages are in the answer.
Result<v1::ListRunsResponse> Collect(Client& client, v1::ListRunsRequest request, int limit) {
  v1::ListRunsResponse all;
  do {
    request.set_limit(limit - all.runs_size());
    request.set_page_token(all.next_page_token());
    DCP_ASSIGN(v1::ListRunsResponse page, client.ListRuns(request));
    for (v1::Run& run : *page.mutable_runs()) all.add_runs()->Swap(&run);
    all.set_next_page_token(page.next_page_token());
  } while (!all.next_page_token().empty() && all.runs_size() < limit);
  return all;
}

int List(Session& session) {
  const auto limit = LimitOf(session.arguments().Text("limit"));
  if (!limit.ok()) return session.Fail(limit.status());
  v1::ListRunsRequest request;
  request.set_playground(session.arguments().Text("playground"));
  const auto client = session.client();
  if (!client.ok()) return session.Fail(client.status());
  const auto list = Collect(**client, std::move(request), *limit);
  if (!list.ok()) return session.Fail(list.status());
  if (session.json()) {
    session.Print(RunsJson(*list));
  } else if (session.format() == Format::kName) {
    for (const v1::Run& run : list->runs()) session.Print(run.id() + "\n");
  } else if (list->runs().empty()) {
    session.Note("you have no runs");
  } else {
    session.Print(RunsText(*list, session.paint()));
  }
  if (!list->next_page_token().empty()) {
    session.Note("there are older runs: --limit N shows more than " + std::to_string(*limit));
  }
  return kExitOk;
}

}  // namespace

Command RunListCommand() {
  return {.path = {"run", "list"},
          .summary = "List your runs, the newest first",
          .details = "Of all playgrounds, unless --playground names one.",
          .flags = {{"limit", 0, "N", "at most N runs (default 50)"}},
          .examples = "  pretzel run list\n  pretzel run list -p fin-123 --limit 5 -o json\n",
          .run = List};
}

}  // namespace dcp::cli
