// SPDX-License-Identifier: Apache-2.0
//
// Rows of a dataset's query, as the engine computes them now.
#include <algorithm>
#include <utility>

#include "command.h"

namespace dcp::derived_dataset {

std::string PreviewNode(const Dataset& dataset) { return dataset.id + ".preview"; }

void AddPreview(const State& state, const Dataset& dataset, const std::vector<std::string>& after,
                GraphBuilder& graph) {
  const auto datasets = static_cast<int64_t>(std::max<size_t>(state.datasets.size(), 1));
  Json request = {{"sql", dataset.sql},
                  {"params", ParamsJson(dataset)},
                  {"source", SourceJson(dataset)},
                  {"rowsMax", state.options.rows},
                  // Each its share, so that all together fit into one report.
                  {"bytesMax", kPreviewBytesMax / datasets},
                  {"timeoutMs", state.options.timeout_ms}};
  Json node = MakeNode(PreviewNode(dataset), "test_backend", "Preview", std::move(request),
                       "show rows of " + dataset.id);
  node["timeoutMs"] = state.options.timeout_ms + kPreviewGraceMs;
  if (!dataset.test_route.empty()) node["route"] = dataset.test_route;
  graph.Add(std::move(node), after);
}

Json PreviewJson(const Json& response) {
  const Json& rows = Member(response, "rows");
  return {{"rows", rows.is_array() ? rows : Json::array()},
          {"moreRows", FlagOf(response, "moreRows")},
          {"truncated", FlagOf(response, "truncated")}};
}

}  // namespace dcp::derived_dataset
