// SPDX-License-Identifier: Apache-2.0
//
// `run`: a batch job for each dataset, in the order in which they read each other. Every table is
// looked at before any job is submitted: a run that could not end well begins nothing.
#include "command.h"
#include "spark_type.h"

namespace dcp::derived_dataset {
namespace {

/// How the table in the playground differs from the declared columns; "" when it does not.
std::string Drift(const Dataset& dataset, const std::vector<ColumnSpec>& table) {
  std::map<std::string, const ColumnSpec*> by_name;
  for (const ColumnSpec& column : table) by_name[column.name] = &column;
  std::string drift;
  auto add = [&](const std::string& text) { drift += (drift.empty() ? "" : "; ") + text; };
  for (const ColumnSpec& declared : dataset.columns) {
    auto found = by_name.find(declared.name);
    if (found == by_name.end()) {
      add("it has no column `" + declared.name + "`");
      continue;
    }
    const ColumnSpec& column = *found->second;
    if (column.type != declared.type) {
      add("`" + declared.name + "` is " + column.type + ", declared as " + declared.type);
    } else if (column.nullable != declared.nullable) {
      add("`" + declared.name + "` " + (column.nullable ? "takes" : "does not take") + " NULL");
    }
    by_name.erase(found);
  }
  for (const auto& [name, column] : by_name) add("its column `" + name + "` is not declared");
  return drift;
}

void CheckTable(const Dataset& dataset, const Outputs& outputs, Findings& findings) {
  std::string node = dataset.id + ".describe";
  if (!outputs.Succeeded(node)) {
    if (outputs.StateOf(node) == "FAILED") {
      findings.Add(outputs.Failure(node, "cannot look at " + dataset.table, dataset.place));
    }
    return;
  }
  const Json& table = outputs.Response(node);
  if (!FlagOf(table, "inOverlay")) {
    findings.Error(kNotApplied, dataset.place,
                   dataset.table + " is not applied: the playground has no such table of its own",
                   "run: pretzel derived-dataset apply " + dataset.place.file);
    return;
  }
  if (!dataset.columns_declared) return;
  std::string drift = Drift(dataset, ColumnsFromJson(Member(table, "columns")));
  if (!drift.empty()) {
    findings.Error(kDrift, dataset.place, dataset.table + " differs from the manifest: " + drift,
                   "make it anew: pretzel derived-dataset apply --recreate " + dataset.place.file);
  }
}

void AddJob(GraphBuilder& graph, const Dataset& dataset, const Json& table) {
  std::vector<ColumnSpec> columns =
      dataset.columns_declared ? dataset.columns : ColumnsFromJson(Member(table, "columns"));
  Json job = {{"table", dataset.table},
              {"sql", dataset.sql},
              {"params", ParamsJson(dataset)},
              {"materialization", "full"},
              {"columns", ColumnsJson(columns)}};
  Json node = MakeNode(dataset.id + ".run", "run_backend", "Submit", {{"job", std::move(job)}},
                       "run " + dataset.id);
  if (!dataset.run_route.empty()) node["route"] = dataset.run_route;
  std::vector<std::string> after;
  for (const std::string& id : dataset.reads) after.push_back(id + ".run");
  graph.Add(std::move(node), after);
}

/// The end of one job. `findings` gets what went wrong.
Json JudgeJob(const Dataset& dataset, const Outputs& outputs, Findings& findings) {
  std::string node = dataset.id + ".run";
  Json entry = {{"name", dataset.id}, {"table", dataset.table}, {"file", dataset.place.file}};
  std::string node_state = outputs.StateOf(node);
  const Json& response = outputs.Response(node);
  std::string job = TextOf(response, "state");
  if (std::string detail = TextOf(response, "detail"); !detail.empty()) entry["detail"] = detail;
  size_t errors = findings.errors();
  for (const Json& json : Member(response, "findings")) {
    Finding finding = FindingFromJson(json);
    if (finding.place.file.empty()) finding.place = dataset.SqlStart();
    findings.Add(std::move(finding));
  }
  if (node_state == "SUCCEEDED" && job == "JOB_SUCCEEDED") {
    const Json& result = Member(response, "result");
    entry["state"] = "SUCCEEDED";
    entry["rows"] = NumberOf(result, "rows");
    entry["snapshotId"] = std::to_string(NumberOf(result, "snapshotId"));  // 64 bits: text in JSON
    entry["durationMs"] = NumberOf(result, "durationMs");
    entry["alreadyWritten"] = FlagOf(result, "alreadyWritten");
    if (std::string version = TextOf(result, "engineVersion"); !version.empty())
      entry["engineVersion"] = version;
    return entry;
  }
  if (node_state == "CANCELLED" || job == "JOB_CANCELLED") {
    entry["state"] = "CANCELLED";
    return entry;
  }
  if (node_state != "SUCCEEDED" && node_state != "FAILED") {
    entry["state"] = "SKIPPED";
    findings.Add(Severity::kWarning, kSkipped, dataset.place,
                 dataset.id + " was not run, since a dataset that it reads did not succeed",
                 "mend that one first");
    return entry;
  }
  entry["state"] = "FAILED";
  if (findings.errors() == errors) {
    std::string detail = TextOf(response, "detail");
    if (node_state == "FAILED" || detail.empty()) {
      findings.Add(
          outputs.Failure(node, "the run of " + dataset.table + " failed", dataset.SqlStart()));
    } else {
      findings.Error(kStepFailed, dataset.SqlStart(),
                     "the run of " + dataset.table + " failed: " + detail);
    }
  }
  return entry;
}

Json Report(const State& state, const Outputs& outputs) {
  Findings findings = state.Begin();
  Json list = Json::array();
  bool succeeded = true;
  bool cancelled = false;
  for (const Dataset& dataset : state.datasets) {
    list.push_back(JudgeJob(dataset, outputs, findings));
    succeeded = succeeded && list.back()["state"] == "SUCCEEDED";
    cancelled = cancelled || list.back()["state"] == "CANCELLED";
  }
  std::string status = cancelled ? "CANCELLED" : succeeded ? "SUCCEEDED" : "FAILED";
  return ReportResponse("RunReport", status, findings, {{"datasets", std::move(list)}});
}

Json CheckAndSubmit(State state, const Outputs& outputs) {
  Findings findings = state.Begin();
  bool complete = true;
  for (const Dataset& dataset : state.datasets) {
    CheckTable(dataset, outputs, findings);
    complete = complete && outputs.Succeeded(dataset.id + ".describe");
  }
  if (findings.errors() > 0 || !complete) {
    Json list = Json::array();
    for (const Dataset& dataset : state.datasets) {
      list.push_back({{"name", dataset.id},
                      {"table", dataset.table},
                      {"file", dataset.place.file},
                      {"state", "SKIPPED"}});
    }
    std::string status = outputs.AnyCancelled() ? "CANCELLED" : "FAILED";
    return ReportResponse("RunReport", status, findings, {{"datasets", std::move(list)}});
  }
  state.step = "report";
  GraphBuilder graph(state);
  for (const Dataset& dataset : state.datasets)
    AddJob(graph, dataset, outputs.Response(dataset.id + ".describe"));
  return graph.Finish("run.report", "report what was written");
}

}  // namespace

Json CompileRun(State state) {
  state.step = "check";
  GraphBuilder graph(state);
  for (const Dataset& dataset : state.datasets) {
    graph.Add(MakeNode(dataset.id + ".describe", "catalog", "DescribeTable",
                       {{"table", dataset.id}}, "look at the table of " + dataset.id),
              {});
  }
  return graph.Finish("run.check", "check that everything is applied");
}

Json ContinueRun(State state, const Outputs& outputs) {
  return state.step == "check" ? CheckAndSubmit(std::move(state), outputs) : Report(state, outputs);
}

}  // namespace dcp::derived_dataset
