// SPDX-License-Identifier: Apache-2.0
//
// See command.h.
#include "command.h"

#include <algorithm>

namespace dcp::derived_dataset {

Json ToJson(const State& state) {
  Json datasets = Json::array();
  for (const Dataset& dataset : state.datasets) datasets.push_back(ToJson(dataset));
  Json warnings = Json::array();
  for (const Finding& warning : state.warnings) warnings.push_back(ToJson(warning));
  return {{"command", state.command},
          {"step", state.step},
          {"round", state.round},
          {"mode", state.options.mode},
          {"plan", state.options.plan},
          {"recreate", state.options.recreate},
          {"preview", state.options.preview},
          {"rows", state.options.rows},
          {"timeoutMs", state.options.timeout_ms},
          {"datasets", std::move(datasets)},
          {"nodes", state.nodes},
          {"warnings", std::move(warnings)}};
}

Findings State::Begin() const {
  Findings findings;
  for (const Finding& warning : warnings) findings.Add(warning);
  return findings;
}

State StateFromJson(const Json& json) {
  State state;
  state.command = TextOf(json, "command");
  state.step = TextOf(json, "step");
  state.round = static_cast<int>(NumberOf(json, "round"));
  state.options = {TextOf(json, "mode"),    FlagOf(json, "plan"),   FlagOf(json, "recreate"),
                   FlagOf(json, "preview"), NumberOf(json, "rows"), NumberOf(json, "timeoutMs")};
  for (const Json& dataset : Member(json, "datasets"))
    state.datasets.push_back(DatasetFromJson(dataset));
  for (const Json& node : Member(json, "nodes")) state.nodes.push_back(node.get<std::string>());
  for (const Json& warning : Member(json, "warnings"))
    state.warnings.push_back(FindingFromJson(warning));
  return state;
}

Outputs::Outputs(const Json& list) {
  if (!list.is_array()) return;
  for (const Json& output : list) outputs_[TextOf(output, "nodeId")] = &output;
}

std::string Outputs::StateOf(const std::string& node) const {
  auto found = outputs_.find(node);
  return found == outputs_.end() ? "" : TextOf(*found->second, "state");
}

bool Outputs::AnyCancelled() const {
  return std::any_of(outputs_.begin(), outputs_.end(), [](const auto& output) {
    return TextOf(*output.second, "state") == "CANCELLED";
  });
}

const Json& Outputs::Response(const std::string& node) const {
  static const Json kNone;
  auto found = outputs_.find(node);
  return found == outputs_.end() ? kNone : Member(*found->second, "response");
}

Finding Outputs::Failure(const std::string& node, const std::string& what,
                         const Place& otherwise) const {
  auto found = outputs_.find(node);
  const Json& error =
      found == outputs_.end() ? Member(Json(), "") : Member(*found->second, "error");
  Finding finding;
  finding.code = TextOf(error, "id");
  if (finding.code.empty()) finding.code = kStepFailed;
  std::string why = TextOf(error, "message");
  if (why.empty() && found != outputs_.end()) why = TextOf(*found->second, "errorCode");
  finding.message = what + ": " + (why.empty() ? "the step ended without an answer" : why);
  finding.hint = TextOf(error, "hint");
  finding.place = PlaceFromJson(Member(error, "location"));
  if (finding.place.file.empty()) finding.place = otherwise;
  return finding;
}

Json& GraphBuilder::Add(Json node, const std::vector<std::string>& after) {
  for (const std::string& id : after) {
    if (std::find(state_.nodes.begin(), state_.nodes.end(), id) != state_.nodes.end())
      node["after"].push_back(id);
  }
  state_.nodes.push_back(node["id"].get<std::string>());
  nodes_.push_back(std::move(node));
  return nodes_.back();
}

Json GraphBuilder::Finish(const std::string& id, const std::string& title) {
  Json node = MakeNode(id, "resource", "Continue", {{"state", ToJson(state_)}}, title);
  node["after"] = state_.nodes;
  node["always"] = true;
  nodes_.push_back(std::move(node));
  return {{"graph", {{"nodes", std::move(nodes_)}}}};
}

}  // namespace dcp::derived_dataset
