// SPDX-License-Identifier: Apache-2.0
//
// Reports as text. The shape of a report's body belongs to the resource plugin; what is not there
// is left out, what is not known here is in -o json.
#include "cli/render/report.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/duration.h"
#include "cli/render/rows.h"

namespace dcp::cli {
namespace {

using nlohmann::json;

json FromStruct(const google::protobuf::Struct& value) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(value, &text).ok()) return json::object();
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

/// The value as text: protobuf's JSON has 64-bit numbers as text already.
std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  if (found->is_string()) return Printable(found->get<std::string>());
  if (found->is_number()) {
    const double number = found->get<double>();
    const auto whole = static_cast<int64_t>(number);
    return static_cast<double>(whole) == number ? std::to_string(whole) : found->dump();
  }
  return found->dump();
}

int64_t NumberOf(const json& object, const char* key) {
  const std::string text = TextOf(object, key);
  char* end = nullptr;
  const auto number = std::strtoll(text.c_str(), &end, 10);
  return end == text.c_str() ? 0 : number;
}

const json& ListOf(const json& object, const char* key) {
  static const json none = json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

std::string LineOf(const std::string& content, int64_t line) {
  size_t start = 0;
  for (int64_t i = 1; i < line; ++i) {
    start = content.find('\n', start);
    if (start == std::string::npos) return "";
    ++start;
  }
  std::string text = content.substr(start, content.find('\n', start) - start);
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

/// Of a line that is longer than a screen is wide, the part around a column; `column` becomes that
/// of the part. Generated queries have lines of a megabyte, and a report may show 200 of them.
std::string PartOf(const std::string& line, int64_t& column) {
  constexpr int64_t kShown = 240;   // characters
  constexpr int64_t kBefore = 120;  // of them, at most before the column
  const int64_t first = std::max<int64_t>(column - kBefore, 1);
  std::string part;
  int64_t character = 0;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++character;
    if (character >= first + kShown) break;
    if (character >= first) part += c;
  }
  if (part.size() < line.size()) {
    if (character >= first + kShown) part += " …";
    if (first > 1) {
      part.insert(0, "… ");
      column += 3 - first;
    }
  }
  return part;
}

/// The line a finding is about, with a caret below its column.
std::string Excerpt(const std::vector<SourceFile>& sources, const json& location,
                    const Paint& paint) {
  const std::string file = TextOf(location, "file");
  const int64_t line = NumberOf(location, "line");
  for (const SourceFile& source : sources) {
    if (source.path != file || line < 1) continue;
    int64_t column = NumberOf(location, "column");
    const std::string text = PartOf(LineOf(source.content, line), column);
    if (text.empty()) return "";
    const std::string number = std::to_string(line);
    std::string excerpt = "  " + number + " | " + Printable(text) + "\n";
    if (column < 1) return excerpt;
    std::string below;  // tabs stay tabs, so that the caret stands below whatever their width
    for (const char c : text) {
      if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
      if (static_cast<int64_t>(below.size()) + 1 >= column) break;
      below += c == '\t' ? '\t' : ' ';
    }
    return excerpt + "  " + std::string(number.size(), ' ') + " | " + below + paint.Red("^") + "\n";
  }
  return "";
}

std::string FindingText(const json& finding, const std::vector<SourceFile>& sources,
                        const Paint& paint) {
  const json location = finding.contains("location") ? finding["location"] : json(json::object());
  std::string text;
  if (const std::string file = TextOf(location, "file"); !file.empty()) {
    text += file + ":";
    if (const int64_t line = NumberOf(location, "line"); line > 0) {
      text += std::to_string(line) + ":";
      const int64_t column = NumberOf(location, "column");
      if (column > 0) text += std::to_string(column) + ":";
    }
    text += " ";
  }
  const std::string severity = TextOf(finding, "severity");
  text += severity == "WARNING" ? paint.Yellow("warning")
          : severity == "INFO"  ? "info"
                                : paint.Red("error");
  if (const auto code = TextOf(finding, "code"); !code.empty()) text += " " + code;
  text += ": " + TextOf(finding, "message");
  if (const auto engine = TextOf(finding, "engineCode"); !engine.empty()) {
    text += " [" + engine + "]";
  }
  text += "\n" + Excerpt(sources, location, paint);
  if (const auto hint = TextOf(finding, "hint"); !hint.empty()) text += "  hint: " + hint + "\n";
  return text;
}

std::string ColumnsText(const json& columns) {
  Table table({"COLUMN", "TYPE", "NULLABLE"});
  for (const json& column : columns) {
    const bool required = column.contains("nullable") && column["nullable"] == false;
    table.Add({TextOf(column, "name"), TextOf(column, "type"), required ? "no" : "yes"});
  }
  return table.Text("  ");
}

std::string ReceiptText(const json& receipt) {
  const int64_t writes =
      NumberOf(receipt, "creates") + NumberOf(receipt, "commits") + NumberOf(receipt, "drops");
  std::string text = writes == 0 ? "  nothing was written: " : "  WRITTEN DURING THIS TEST: ";
  text += std::to_string(NumberOf(receipt, "creates")) + " creates, " +
          std::to_string(NumberOf(receipt, "commits")) + " commits, " +
          std::to_string(NumberOf(receipt, "drops")) + " drops; " +
          std::to_string(NumberOf(receipt, "loads")) + " table loads";
  if (const int64_t refused = NumberOf(receipt, "refused"); refused > 0) {
    text += "; " + std::to_string(refused) + " refused";
  }
  return text + "\n";
}

std::string FirstOf(const json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (auto text = TextOf(object, key); !text.empty()) return text;
  }
  return "";
}

std::string TextList(const json& list) {
  std::string text;
  for (const json& item : list) {
    if (!item.is_string()) continue;
    text += (text.empty() ? "" : ", ") + Printable(item.get<std::string>());
  }
  return text;
}

/// "  checked by spark 4.1.1 in 210 ms"
std::string EngineText(const json& dataset) {
  const std::string engine = TextOf(dataset, "engine");
  if (engine.empty() || !dataset.contains("timings") || !dataset["timings"].is_object()) return "";
  const json& timings = dataset["timings"];
  // The two questions are under way at once.
  const int64_t total = NumberOf(timings, "sessionMs") +
                        std::max(NumberOf(timings, "analyzeMs"), NumberOf(timings, "explainMs"));
  return "  checked by " + engine + " " + TextOf(dataset, "engineVersion") + " in " +
         FormatDuration(total) + "\n";
}

std::string DatasetText(const json& dataset, const Paint& paint) {
  const std::string state = FirstOf(dataset, {"status", "state"});
  std::string text = paint.Bold(FirstOf(dataset, {"table", "name", "dataset"}));
  if (!state.empty()) text += "  " + paint.State(state);
  const bool counts_rows = dataset.contains("rows") && !dataset["rows"].is_array();
  if (counts_rows) text += "  " + TextOf(dataset, "rows") + " rows";
  if (const auto time = TextOf(dataset, "durationMs"); !time.empty()) {
    text += "  in " + FormatDuration(NumberOf(dataset, "durationMs"));
  }
  text += "\n";
  constexpr std::array<std::pair<const char*, const char*>, 3> kLines = {
      {{"location", "location"}, {"snapshotId", "snapshot"}, {"detail", "detail"}}};
  for (const auto& [key, name] : kLines) {
    const auto value = TextOf(dataset, key);
    if (!value.empty()) text += std::string("  ") + name + ": " + value + "\n";
  }
  text += EngineText(dataset);
  if (const auto inputs = TextList(ListOf(dataset, "inputs")); !inputs.empty()) {
    text += "  reads: " + inputs + "\n";
  }
  for (const json& difference : ListOf(dataset, "drift")) {
    if (difference.is_string())
      text += "  drift: " + Printable(difference.get<std::string>()) + "\n";
  }
  const auto shown = ShownRowsOf(dataset.dump());
  // A preview's own head names the columns.
  const bool rows_alone = shown && !dataset.contains("preview");
  if (const json& columns = ListOf(dataset, "columns"); !columns.empty() && !rows_alone) {
    text += ColumnsText(columns);
  }
  if (shown) text += RowsText(*shown, "  ");
  if (const auto plan = TextOf(dataset, "plan"); !plan.empty()) {
    text += "  plan:\n" + plan + (plan.back() == '\n' ? "" : "\n");
  }
  if (dataset.contains("receipt") && dataset["receipt"].is_object()) {
    text += ReceiptText(dataset["receipt"]);
  }
  return text;
}

std::string FailureText(const v1::Run& run, const Paint& paint) {
  if (run.has_report() || run.error_message().empty()) return "";
  Status error(Code::kUnknown, run.error_message());
  return ErrorText(std::move(error)
                       .WithId(run.error().id())
                       .WithHint(run.error().hint())
                       .At({run.error().file(), run.error().line(), run.error().column()}),
                   paint);
}

std::string TookText(const v1::Run& run) {
  if (run.finished_at_ms() == 0) return "";
  return " in " + FormatDuration(run.finished_at_ms() - run.created_at_ms());
}

}  // namespace

std::string ReportText(const v1::Run& run, const std::vector<SourceFile>& sources,
                       const Paint& paint) {
  const json report = FromStruct(run.report());
  std::string text;
  for (const json& finding : ListOf(report, "findings")) {
    text += FindingText(finding, sources, paint);
  }
  const json body = report.contains("body") ? report["body"] : json(json::object());
  for (const json& dataset : ListOf(body, "datasets")) {
    if (!text.empty()) text += "\n";
    text += DatasetText(dataset, paint);
  }
  if (body.contains("receipt") && body["receipt"].is_object()) {
    text += ReceiptText(body["receipt"]);
  }
  text += FailureText(run, paint);
  const std::string status = run.has_report() ? TextOf(report, "status") : run.state();
  if (!text.empty()) text += "\n";
  return text + run.command() + " " + paint.State(status) + TookText(run) + " (run " + run.id() +
         ", playground " + run.playground() + ")\n";
}

std::string RunText(const v1::Run& run, const Paint& paint) {
  std::string text = "run " + paint.Bold(run.id()) + "  " + run.command() + "  " +
                     paint.State(run.state()) + TookText(run) + "\n";
  text += "  playground: " + run.playground() + "\n";
  if (run.playground_deleted()) {
    text += "  that playground is deleted; the run's rows, report and messages went with it\n";
  }
  text += "  started: " + TimeText(run.created_at_ms()) + "\n";
  if (run.cancel_requested() && run.finished_at_ms() == 0) text += "  cancel was asked for\n";
  Table table({"NODE", "STATE", "TOOK", "WHAT"});
  for (const v1::RunNode& node : run.nodes()) {
    const bool ended = node.finished_at_ms() != 0 && node.started_at_ms() != 0;
    std::string what =
        node.title().empty() ? node.capability() + "." + node.method() : node.title();
    if (!node.error_message().empty()) what += ": " + node.error_message();
    // What a node waits for, or what is not known of it.
    if (!ended && !node.detail().empty()) what += ": " + node.detail();
    table.Add({node.id(), paint.State(node.state()),
               ended ? FormatDuration(node.finished_at_ms() - node.started_at_ms()) : "-",
               Printable(what)});
  }
  if (table.size() > 0) text += "\n" + table.Text();
  if (run.has_report() || !run.error_message().empty()) {
    text += "\n" + ReportText(run, {}, paint);
  }
  return text;
}

std::string RunsText(const v1::ListRunsResponse& list, const Paint& paint) {
  Table table({"RUN", "COMMAND", "PLAYGROUND", "STATE", "STARTED", "TOOK"});
  for (const v1::Run& run : list.runs()) {
    table.Add({run.id(), run.command(), run.playground(), paint.State(run.state()),
               TimeText(run.created_at_ms()),
               run.finished_at_ms() == 0
                   ? "-"
                   : FormatDuration(run.finished_at_ms() - run.created_at_ms())});
  }
  return table.Text();
}

std::string NodeLine(const v1::RunEvent& event, int64_t duration_ms, const Paint& paint) {
  std::string line = "  " + paint.State(event.state()) + "  " +
                     Printable(event.title().empty() ? event.node_id() : event.title());
  if (duration_ms >= 0) line += " (" + FormatDuration(duration_ms) + ")";
  if (event.state() != "SUCCEEDED" && !event.detail().empty()) {
    line += ": " + Printable(event.detail());
  }
  return line;
}

}  // namespace dcp::cli
