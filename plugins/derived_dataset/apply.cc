// SPDX-License-Identifier: Apache-2.0
//
// `apply`: each dataset's table is created in the playground, and the dataset registered.
//
// A dataset that declares its columns needs no engine. One that does not is analysed first; its
// table, and whoever reads it, come in the next round: the nodes that the round's Continue returns.
#include <algorithm>
#include <set>

#include "command.h"

namespace dcp::derived_dataset {
namespace {

int EnsureRound(const Dataset& dataset) {
  return dataset.round + (dataset.columns_declared ? 0 : 1);
}

std::vector<std::string> EnsuresOf(const std::vector<std::string>& ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) out.push_back(id + ".ensure");
  return out;
}

void AddAnalyze(GraphBuilder& graph, const Dataset& dataset) {
  Json request = {{"sql", dataset.sql},
                  {"params", ParamsJson(dataset)},
                  {"mode", "SCHEMA"},
                  {"source", SourceJson(dataset)}};
  Json node = MakeNode(dataset.id + ".analyze", "test_backend", "Analyze", std::move(request),
                       "find the columns of " + dataset.id);
  if (!dataset.test_route.empty()) node["route"] = dataset.test_route;
  graph.Add(std::move(node), EnsuresOf(dataset.reads));
}

void AddEnsure(GraphBuilder& graph, const Dataset& dataset, std::vector<ColumnSpec> columns,
               bool recreate) {
  if (!dataset.columns_declared) {
    // What an engine derives for a query is no promise: the table must take the next query's rows.
    for (ColumnSpec& column : columns) column.nullable = true;
  }
  Json ensure = {{"table", dataset.id},
                 {"columns", ColumnsJson(columns)},
                 {"partitioning", dataset.partitioning},
                 {"properties", dataset.properties},
                 {"recreate", recreate}};
  graph.Add(MakeNode(dataset.id + ".ensure", "catalog", "EnsureTable", std::move(ensure),
                     "create the table of " + dataset.id),
            EnsuresOf(dataset.reads));
  Json registration = {{"name", dataset.id},
                       {"kind", "DerivedDataset"},
                       {"specHash", dataset.spec_hash},
                       {"spec", Json::parse(dataset.spec, nullptr, false)}};
  graph.Add(MakeNode(dataset.id + ".register", "playground", "Register", std::move(registration),
                     "register " + dataset.id),
            {dataset.id + ".ensure"});
}

/// What became of the datasets so far.
struct Progress {
  std::map<std::string, std::vector<ColumnSpec>> columns;  ///< by id, where they are known
  std::set<std::string> failed;                            ///< or they read one that failed
  Findings findings;
};

void JudgeAnalysis(const Dataset& dataset, const Outputs& outputs, Progress& progress) {
  std::string node = dataset.id + ".analyze";
  if (!outputs.Succeeded(node)) {
    if (outputs.StateOf(node) == "FAILED") {
      progress.findings.Add(
          outputs.Failure(node, "cannot find the columns of " + dataset.table, dataset.SqlStart()));
    }
    progress.failed.insert(dataset.id);
    return;
  }
  const Json& response = outputs.Response(node);
  size_t errors = progress.findings.errors();
  for (const Json& json : Member(response, "findings")) {
    Finding finding = FindingFromJson(json);
    if (finding.place.file.empty()) finding.place = dataset.SqlStart();
    progress.findings.Add(std::move(finding));
  }
  const Json& columns = Member(response, "columns");
  CheckStorable(dataset, columns, progress.findings);
  if (progress.findings.errors() == errors && !columns.empty()) {
    progress.columns[dataset.id] = ColumnsFromJson(columns);
    return;
  }
  if (progress.findings.errors() == errors) {
    progress.findings.Error(kColumnMissing, dataset.SqlStart(),
                            "the engine answered no columns for " + dataset.table);
  }
  progress.failed.insert(dataset.id);
}

/// Judges every dataset whose nodes exist by `state.round`.
Progress Judge(const State& state, const Outputs& outputs) {
  Progress progress;
  progress.findings = state.Begin();
  for (const Dataset& dataset : state.datasets) {
    auto failed = [&](const std::string& id) { return progress.failed.contains(id); };
    auto cause = std::find_if(dataset.reads.begin(), dataset.reads.end(), failed);
    if (cause != dataset.reads.end()) {
      progress.findings.Add(
          Severity::kWarning, kSkipped, dataset.place,
          dataset.id + " was not applied, since it reads " + *cause + ", which failed",
          "mend " + *cause + " first");
      progress.failed.insert(dataset.id);
      continue;
    }
    if (dataset.columns_declared) {
      progress.columns[dataset.id] = dataset.columns;
    } else if (dataset.round <= state.round) {
      JudgeAnalysis(dataset, outputs, progress);
      if (failed(dataset.id)) continue;
    }
    if (EnsureRound(dataset) > state.round) continue;
    for (const char* step : {".ensure", ".register"}) {
      std::string node = dataset.id + step;
      if (outputs.Succeeded(node)) continue;
      progress.failed.insert(dataset.id);
      if (outputs.StateOf(node) != "FAILED") continue;  // skipped or cancelled: its cause is told
      std::string what = step == std::string(".ensure") ? "cannot create " : "cannot register ";
      progress.findings.Add(outputs.Failure(node, what + dataset.table, dataset.place));
    }
  }
  return progress;
}

Json Round(State& state, const Progress& progress) {
  GraphBuilder graph(state);
  for (const Dataset& dataset : state.datasets) {
    if (progress.failed.contains(dataset.id)) continue;
    if (!dataset.columns_declared && dataset.round == state.round) AddAnalyze(graph, dataset);
    auto columns = progress.columns.find(dataset.id);
    if (EnsureRound(dataset) == state.round && columns != progress.columns.end()) {
      AddEnsure(graph, dataset, columns->second, state.options.recreate);
    }
  }
  return graph.Finish("apply.continue-" + std::to_string(state.round), "report what was applied");
}

Json Report(const State& state, const Outputs& outputs, Progress& progress) {
  Json list = Json::array();
  bool changed = false;
  bool drifted = false;
  for (const Dataset& dataset : state.datasets) {
    const Json& ensure = outputs.Response(dataset.id + ".ensure");
    std::string status = TextOf(ensure, "status");
    Json entry = {{"name", dataset.id}, {"table", dataset.table}, {"file", dataset.place.file}};
    for (const char* key : {"location", "uuid"}) {
      if (std::string text = TextOf(ensure, key); !text.empty()) entry[key] = text;
    }
    if (status == "DRIFTED") {
      drifted = true;
      entry["drift"] = Member(ensure, "drift");
      std::string how;
      for (const Json& difference : Member(ensure, "drift")) {
        how += (how.empty() ? ": " : "; ") +
               (difference.is_string() ? difference.get<std::string>() : difference.dump());
      }
      progress.findings.Add(
          Severity::kWarning, kDrift, dataset.place,
          dataset.table + " exists and differs from the manifest" + how,
          "make it anew, without its rows: pretzel derived-dataset apply --recreate " +
              dataset.place.file);
    }
    changed = changed || status == "CREATED" || status == "RECREATED";
    bool failed = progress.failed.contains(dataset.id);
    bool skipped =
        failed && !outputs.Ran(dataset.id + ".ensure") && !outputs.Ran(dataset.id + ".analyze");
    entry["status"] = skipped ? "SKIPPED" : failed ? "FAILED" : status;
    if (auto columns = progress.columns.find(dataset.id);
        columns != progress.columns.end() && !failed) {
      entry["columns"] = ColumnsJson(columns->second);
    }
    list.push_back(std::move(entry));
  }
  std::string status = outputs.AnyCancelled()     ? "CANCELLED"
                       : !progress.failed.empty() ? "FAILED"
                       : drifted                  ? "DRIFTED"
                       : changed                  ? "CHANGED"
                                                  : "UNCHANGED";
  return ReportResponse("ApplyReport", status, progress.findings, {{"datasets", std::move(list)}});
}

int LastRound(const State& state) {
  int last = 0;
  for (const Dataset& dataset : state.datasets) last = std::max(last, EnsureRound(dataset));
  return last;
}

}  // namespace

Json CompileApply(State state, Findings& findings) {
  for (const Dataset& dataset : state.datasets) {
    if (EnsureRound(dataset) <= kRoundsMax) continue;
    findings.Error(kChain, dataset.place,
                   dataset.id + " ends a chain of more than " + std::to_string(kRoundsMax) +
                       " datasets without declared columns that read one another",
                   "declare spec.schema.columns of one in the middle");
    return Json();
  }
  state.step = "round";
  Progress progress;
  for (const Dataset& dataset : state.datasets) {
    if (dataset.columns_declared) progress.columns[dataset.id] = dataset.columns;
  }
  return Round(state, progress);
}

Json ContinueApply(State state, const Outputs& outputs) {
  Progress progress = Judge(state, outputs);
  if (state.round < LastRound(state) && !outputs.AnyCancelled()) {
    State next = state;
    ++next.round;
    size_t nodes = next.nodes.size();
    Json graph = Round(next, progress);
    if (next.nodes.size() > nodes) return graph;
    state.round = LastRound(state);  // nothing is left to do: judge it all
    progress = Judge(state, outputs);
  }
  return Report(state, outputs, progress);
}

}  // namespace dcp::derived_dataset
