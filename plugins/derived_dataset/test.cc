// SPDX-License-Identifier: Apache-2.0
//
// `test` and `preview`: the engine checks each query, and shows its first rows if asked; the
// catalog's counters before and after prove that nothing was written.
#include <algorithm>

#include "command.h"

namespace dcp::derived_dataset {
namespace {

constexpr const char* kBefore = "test.receipt-before";
constexpr const char* kAfter = "test.receipt-after";
constexpr const char* kCounters[] = {"loads", "lists", "creates", "commits", "drops", "refused"};

/// Whether another dataset of this command reads it: then it may not exist yet.
bool IsRead(const State& state, const std::string& id) {
  return std::any_of(state.datasets.begin(), state.datasets.end(), [&](const Dataset& dataset) {
    return std::find(dataset.reads.begin(), dataset.reads.end(), id) != dataset.reads.end();
  });
}

/// The engine's "no such table" about a table that another manifest of this command makes.
void ExplainMissingInput(const State& state, const Dataset& dataset, const Outputs& outputs,
                         Finding& finding) {
  if (finding.engine_code != "TABLE_OR_VIEW_NOT_FOUND") return;
  for (const Dataset& other : state.datasets) {
    bool read =
        std::find(dataset.reads.begin(), dataset.reads.end(), other.id) != dataset.reads.end();
    const Json& described = outputs.Response(other.id + ".describe");
    std::string name = other.id.substr(other.id.rfind('.') + 1);
    if (!read || FlagOf(described, "exists", true) ||
        finding.message.find(name) == std::string::npos)
      continue;
    finding.code = kApplyFirst;
    finding.message = other.table + " does not exist yet; " + other.place.file + " defines it";
    finding.hint = "apply it first: pretzel derived-dataset apply " + other.place.file;
    return;
  }
}

bool ShowsRowsAlone(const State& state) { return state.command == "preview"; }

/// What became of a dataset whose node did not succeed.
std::string StatusWithout(const std::string& node, const std::string& what, const Dataset& dataset,
                          const Outputs& outputs, Findings& findings) {
  std::string node_state = outputs.StateOf(node);
  if (node_state == "FAILED") {
    findings.Add(outputs.Failure(node, what + " " + dataset.table, dataset.SqlStart()));
  }
  return node_state == "FAILED" || node_state == "CANCELLED" ? node_state : "SKIPPED";
}

void TakeFindings(const State& state, const Dataset& dataset, const Outputs& outputs,
                  const Json& response, Findings& findings) {
  for (const Json& json : Member(response, "findings")) {
    Finding finding = FindingFromJson(json);
    if (finding.place.file.empty()) finding.place = dataset.SqlStart();
    ExplainMissingInput(state, dataset, outputs, finding);
    findings.Add(std::move(finding));
  }
}

void TakeFacts(const Json& response, Json& entry) {
  for (const char* key :
       {"columns", "inputs", "engine", "engineVersion", "timings", "sessionReused"}) {
    if (const Json& value = Member(response, key); !value.is_null()) entry[key] = value;
  }
}

Json JudgeRows(const State& state, const Dataset& dataset, const Outputs& outputs,
               Findings& findings) {
  Json entry = {{"name", dataset.id}, {"table", dataset.table}, {"file", dataset.place.file}};
  const std::string node = PreviewNode(dataset);
  if (!outputs.Succeeded(node)) {
    entry["status"] = StatusWithout(node, "cannot show rows of", dataset, outputs, findings);
    return entry;
  }
  const Json& response = outputs.Response(node);
  const size_t errors = findings.errors();
  TakeFindings(state, dataset, outputs, response, findings);
  TakeFacts(response, entry);
  entry["status"] = findings.errors() > errors ? "FAILED" : "SUCCEEDED";
  if (findings.errors() == errors) entry.update(PreviewJson(response));
  return entry;
}

/// The rows of a dataset that passed its test. What the engine said of the query before, it says
/// again here: only an error is news.
void JudgePreview(const State& state, const Dataset& dataset, const Outputs& outputs,
                  Findings& findings, Json& entry) {
  if (!state.options.preview || entry["status"] != "PASSED") return;
  const std::string node = PreviewNode(dataset);
  if (!outputs.Succeeded(node)) {
    entry["status"] = StatusWithout(node, "cannot show rows of", dataset, outputs, findings);
    return;
  }
  const Json& response = outputs.Response(node);
  if (!FlagOf(response, "valid")) {
    TakeFindings(state, dataset, outputs, response, findings);
    entry["status"] = "FAILED";
    return;
  }
  entry["preview"] = PreviewJson(response);
}

Json JudgeDataset(const State& state, const Dataset& dataset, const Outputs& outputs,
                  Findings& findings) {
  Json entry = {{"name", dataset.id}, {"table", dataset.table}, {"file", dataset.place.file}};
  std::string node = dataset.id + ".analyze";
  if (!outputs.Succeeded(node)) {
    entry["status"] = StatusWithout(node, "cannot check", dataset, outputs, findings);
    return entry;
  }
  const Json& response = outputs.Response(node);
  size_t errors = findings.errors();
  TakeFindings(state, dataset, outputs, response, findings);
  const Json& columns = Member(response, "columns");
  if (findings.errors() == errors && columns.empty()) {
    findings.Error(kColumnMissing, dataset.SqlStart(),
                   "the engine answered no columns for " + dataset.table);
  }
  if (findings.errors() == errors) {
    CheckStorable(dataset, columns, findings);
    if (dataset.columns_declared) CompareColumns(dataset, columns, findings);
  }
  entry["status"] = findings.errors() > errors ? "FAILED" : "PASSED";
  TakeFacts(response, entry);
  if (const Json& plan = Member(response, "plan"); state.options.plan && !plan.is_null())
    entry["plan"] = plan;
  JudgePreview(state, dataset, outputs, findings, entry);
  return entry;
}

/// The difference of the two receipts; null when there is none to show.
Json Receipt(const Outputs& outputs, Findings& findings) {
  for (const char* node : {kBefore, kAfter}) {
    if (outputs.Succeeded(node)) continue;
    Finding finding = outputs.Failure(node, "cannot prove that nothing was written", {});
    finding.severity = Severity::kWarning;
    if (finding.code == kStepFailed) finding.code = kNoReceipt;
    findings.Add(std::move(finding));
    return Json();
  }
  Json receipt = {{"mode", "ro"}};
  for (const char* counter : kCounters) {
    int64_t count =
        NumberOf(outputs.Response(kAfter), counter) - NumberOf(outputs.Response(kBefore), counter);
    if (count < 0) {
      findings.Add(
          Severity::kWarning, kNoReceipt, {},
          "cannot prove that nothing was written: the catalog began to count anew meanwhile",
          "test again");
      return Json();
    }
    receipt[counter] = count;
  }
  int64_t writes =
      NumberOf(receipt, "creates") + NumberOf(receipt, "commits") + NumberOf(receipt, "drops");
  if (writes > 0) {
    findings.Error(
        kWrote, {},
        std::to_string(writes) + " writes went through the read-only mount during this test",
        "this is a fault of Pretzel: report it with the run's id");
  }
  return receipt;
}

void AddAnalysis(const State& state, const Dataset& dataset, GraphBuilder& graph) {
  Json request = {{"sql", dataset.sql},
                  {"params", ParamsJson(dataset)},
                  {"mode", state.options.mode},
                  {"source", SourceJson(dataset)}};
  Json node = MakeNode(dataset.id + ".analyze", "test_backend", "Analyze", std::move(request),
                       "check " + dataset.id + " with the engine");
  if (!dataset.test_route.empty()) node["route"] = dataset.test_route;
  graph.Add(std::move(node), {kBefore});
}

}  // namespace

Json CompileTest(State state) {
  state.step = "report";
  GraphBuilder graph(state);
  graph.Add(
      MakeNode(kBefore, "catalog", "Receipt", {{"mode", "ro"}}, "count the catalog's calls before"),
      {});
  std::vector<std::string> checks = {kBefore};
  for (const Dataset& dataset : state.datasets) {
    if (IsRead(state, dataset.id)) {
      graph.Add(MakeNode(dataset.id + ".describe", "catalog", "DescribeTable",
                         {{"table", dataset.id}}, "look for the table of " + dataset.id),
                {});
    }
    std::vector<std::string> before = {kBefore};
    if (!ShowsRowsAlone(state)) {
      AddAnalysis(state, dataset, graph);
      before.push_back(dataset.id + ".analyze");
      checks.push_back(before.back());
    }
    if (!ShowsRowsAlone(state) && !state.options.preview) continue;
    AddPreview(state, dataset, before, graph);
    checks.push_back(PreviewNode(dataset));
  }
  Json after =
      MakeNode(kAfter, "catalog", "Receipt", {{"mode", "ro"}}, "count the catalog's calls after");
  after["always"] = true;
  graph.Add(std::move(after), checks);
  return graph.Finish("test.report", "report what the engine found");
}

Json ContinueTest(const State& state, const Outputs& outputs) {
  Findings findings = state.Begin();
  Json list = Json::array();
  const bool rows_alone = ShowsRowsAlone(state);
  const std::string good = rows_alone ? "SUCCEEDED" : "PASSED";
  bool passed = true;
  for (const Dataset& dataset : state.datasets) {
    list.push_back(rows_alone ? JudgeRows(state, dataset, outputs, findings)
                              : JudgeDataset(state, dataset, outputs, findings));
    passed = passed && list.back()["status"] == good;
  }
  Json body = {{"datasets", std::move(list)}};
  Json receipt = Receipt(outputs, findings);
  if (!receipt.is_null()) body["receipt"] = std::move(receipt);
  std::string status = outputs.AnyCancelled()             ? "CANCELLED"
                       : passed && findings.errors() == 0 ? good
                                                          : "FAILED";
  return ReportResponse(rows_alone ? "PreviewReport" : "TestReport", status, findings,
                        std::move(body));
}

}  // namespace dcp::derived_dataset
