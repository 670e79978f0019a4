// SPDX-License-Identifier: Apache-2.0
//
// What apply, test, preview and run share: the options of a command, the state they leave for
// themselves in `resource.Continue` nodes, and the outputs they find there.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dataset.h"

namespace dcp::derived_dataset {

/// Rows of a preview: more than a person reads belong into a table.
inline constexpr int64_t kPreviewRowsDefault = 100;
inline constexpr int64_t kPreviewRowsMax = 1'000;
/// Values of all previews of one command, as JSON: they travel and are stored within the report.
inline constexpr int64_t kPreviewBytesMax = int64_t{1} << 20;
/// A preview that takes longer is a run. The host gives no call longer than ten minutes.
inline constexpr int64_t kPreviewTimeoutMsDefault = 60'000;
inline constexpr int64_t kPreviewTimeoutMsMax = 9 * 60'000;
/// Between the engine's time being over and the host's patience: for telling the engine to stop.
inline constexpr int64_t kPreviewGraceMs = 10'000;

struct Options {
  std::string mode = "EXPLAIN";  ///< of test, as the contract spells it
  bool plan = false;             ///< test: the report holds the plan
  bool recreate = false;         ///< apply: tables that drifted are made anew
  bool preview = false;          ///< test: the report holds rows
  int64_t rows = kPreviewRowsDefault;
  int64_t timeout_ms = kPreviewTimeoutMsDefault;  ///< of a preview
};

struct State {
  std::string command;
  std::string step;
  int round = 0;
  Options options;
  std::vector<Dataset> datasets;
  std::vector<std::string> nodes;  ///< every node of the command so far
  std::vector<Finding> warnings;   ///< about the manifests, for the report

  /// Findings that begin with the warnings.
  Findings Begin() const;
};

Json ToJson(const State& state);
State StateFromJson(const Json& json);

/// Outputs of the nodes that a Continue node stands after.
class Outputs {
 public:
  explicit Outputs(const Json& list);
  bool Ran(const std::string& node) const {
    return StateOf(node) == "SUCCEEDED" || StateOf(node) == "FAILED";
  }
  bool Succeeded(const std::string& node) const { return StateOf(node) == "SUCCEEDED"; }
  bool AnyCancelled() const;
  /// "" when there is no such output.
  std::string StateOf(const std::string& node) const;
  const Json& Response(const std::string& node) const;
  /// Why a node failed. `what` says what could not be done ("cannot create prod.nyc.daily").
  Finding Failure(const std::string& node, const std::string& what, const Place& otherwise) const;

 private:
  std::map<std::string, const Json*> outputs_;
};

/// Nodes under construction; remembers their ids for the Continue node that ends them.
class GraphBuilder {
 public:
  explicit GraphBuilder(State& state) : state_(state) {}
  /// Names in `after` that are not part of the command are left out.
  Json& Add(Json node, const std::vector<std::string>& after);
  /// The Continue node after every node so far, and the whole as a response.
  Json Finish(const std::string& id, const std::string& title);

 private:
  State& state_;
  Json nodes_ = Json::array();
};

// Compile, once the datasets are known; and Continue, by command.
Json CompileApply(State state, Findings& findings);
Json CompileTest(State state);
Json CompileRun(State state);
Json ContinueApply(State state, const Outputs& outputs);
Json ContinueTest(const State& state, const Outputs& outputs);
Json ContinueRun(State state, const Outputs& outputs);

/// The node that shows rows of a dataset, of `preview` and of `test` with that option.
std::string PreviewNode(const Dataset& dataset);
void AddPreview(const State& state, const Dataset& dataset, const std::vector<std::string>& after,
                GraphBuilder& graph);
/// What the report says of the rows: {"rows", "moreRows", "truncated"}.
Json PreviewJson(const Json& response);

/// Differences between the declared columns and what the engine answered, as findings.
void CompareColumns(const Dataset& dataset, const Json& engine_columns, Findings& findings);
/// The engine's columns that no table can hold, and names that stand twice.
void CheckStorable(const Dataset& dataset, const Json& engine_columns, Findings& findings);

}  // namespace dcp::derived_dataset
