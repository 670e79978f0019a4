// SPDX-License-Identifier: Apache-2.0
//
// pretzel explain: what an error's id means. Asks no daemon: an error is often that there is none.
#include <algorithm>
#include <sstream>

#include "base/id.h"
#include "cli/command.h"
#include "cli/error_page.h"
#include "cli/exit_code.h"
#include "cli/render/json.h"

namespace dcp::cli {
namespace {

/// Columns of the text: readable in the narrowest usual terminal.
constexpr size_t kWidth = 80;
/// Ids are alike; one that differs in more than one place is another id, not a slip.
constexpr size_t kSlipMax = 1;

std::string Wrap(const std::string& text) {
  std::string out;
  size_t column = 0;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t width = Width(word);
    if (column > 0 && column + 1 + width > kWidth) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
  }
  return out + "\n";
}

std::string ExplanationText(const ErrorEntry& entry, const Paint& paint) {
  return paint.Bold(entry.id) + "  " + entry.block + "\n\n" + Wrap(entry.meaning) + "\n" +
         paint.Bold("what to do") + "\n" + Wrap(entry.action);
}

Status UnknownId(const std::string& id, const std::vector<ErrorEntry>& entries) {
  std::vector<std::string> ids;
  for (const ErrorEntry& entry : entries) ids.push_back(entry.id);
  const std::string nearest = Nearest(id, ids);
  const bool slip = !nearest.empty() && EditDistance(id, nearest) <= kSlipMax;
  return NotFound("there is no error id \"" + id.substr(0, 80) + "\"")
      .WithHint(slip ? "did you mean \"pretzel explain " + nearest + "\"?"
                     : "an id is PZ and four digits, such as PZ0203; docs/reference/errors.md "
                       "has them all");
}

int Explain(Session& session) {
  const std::string id = FullErrorId(session.arguments().Word(0));
  const std::vector<ErrorEntry> entries = ParseErrorPage(ErrorPage());
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const ErrorEntry& known) { return known.id == id; });
  if (entry == entries.end()) return session.Fail(UnknownId(id, entries));
  switch (session.format()) {
    case Format::kTable:
    case Format::kCsv:  // not one of this command's
      session.Print(ExplanationText(*entry, session.paint()));
      break;
    case Format::kJson:
      session.Print(ErrorExplanationJson(*entry));
      break;
    case Format::kName:
      session.Print(entry->id + "\n");
      break;
  }
  return kExitOk;
}

}  // namespace

Command ExplainCommand() {
  return {.path = {"explain"},
          .arguments = "ID",
          .summary = "Say what an error's id means, and what to do about it",
          .examples = "  pretzel explain PZ0203\n  pretzel explain 203 -o json\n",
          .words_min = 1,
          .words_max = 1,
          .run = Explain};
}

}  // namespace dcp::cli
