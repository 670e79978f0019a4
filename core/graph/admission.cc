// SPDX-License-Identifier: Apache-2.0
#include "graph/admission.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/limits.h"
#include "graph/limits.h"
#include "graph/run_state.h"

namespace dcp::graph {
namespace {

using nlohmann::json;

bool IsNodeId(std::string_view id) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !id.empty() && id.size() <= kNodeIdBytesMax && word(id.front()) &&
         std::all_of(id.begin(), id.end(),
                     [&](char c) { return word(c) || c == '.' || c == '_' || c == '-'; });
}

Status Refuse(const std::string& id, const std::string& why) {
  return Internal("node \"" + id.substr(0, kNodeIdBytesMax) + "\" of the graph: " + why)
      .WithHint("this is a fault of the plugin that made the graph");
}

Status CheckShape(const NodeSpec& spec) {
  if (!IsNodeId(spec.id)) return Refuse(spec.id, "its id is not [a-z0-9][a-z0-9._-]{0,127}");
  if (!IsCapability(spec.capability)) {
    return Refuse(spec.id, "there is no capability \"" + spec.capability + "\"");
  }
  if (spec.method.empty()) return Refuse(spec.id, "it names no method");
  if (spec.timeout_ms < 0 || spec.timeout_ms > kNodeTimeoutMsMax) {
    return Refuse(spec.id,
                  "its timeout is not between 0 and " + std::to_string(kNodeTimeoutMsMax) + " ms");
  }
  if (!json::parse(spec.request_json, nullptr, false).is_object()) {
    return Refuse(spec.id, "its request is no JSON object");
  }
  return Status::Ok();
}

/// Takes away nodes that wait for nothing, again and again: what stays waits in a circle.
Status CheckCycles(const std::vector<NodeSpec>& specs) {
  std::unordered_map<std::string, size_t> waits;
  std::unordered_map<std::string, std::vector<std::string>> behind;
  for (const NodeSpec& spec : specs) waits[spec.id] = 0;
  for (const NodeSpec& spec : specs) {
    for (const std::string& before : spec.after) {
      if (!waits.contains(before)) continue;  // it exists already and cannot wait for a new one
      ++waits[spec.id];
      behind[before].push_back(spec.id);
    }
  }
  std::vector<std::string> free;
  for (const NodeSpec& spec : specs) {
    if (waits[spec.id] == 0) free.push_back(spec.id);
  }
  size_t taken = 0;
  while (!free.empty()) {
    const std::string id = std::move(free.back());
    free.pop_back();
    ++taken;
    for (const std::string& next : behind[id]) {
      if (--waits[next] == 0) free.push_back(next);
    }
  }
  if (taken == specs.size()) return Status::Ok();
  const auto stuck = std::find_if(specs.begin(), specs.end(),
                                  [&](const NodeSpec& spec) { return waits[spec.id] > 0; });
  return Refuse(stuck->id, "it waits for itself");
}

}  // namespace

bool IsCapability(const std::string& name) {
  return name == "resource" || name == "catalog" || name == "playground" ||
         name == "test_backend" || name == "run_backend";
}

Status CheckNodes(const std::vector<store::Node>& existing, const std::vector<NodeSpec>& specs,
                  int32_t depth) {
  if (specs.empty()) return Status::Ok();
  if (depth > limits::kGraphDepthMax) {
    return Refuse(specs.front().id, "nodes may return nodes " +
                                        std::to_string(limits::kGraphDepthMax) +
                                        " times, this is one more");
  }
  if (existing.size() + specs.size() > limits::kGraphNodesMax) {
    return ResourceExhausted("the graph has " + std::to_string(existing.size() + specs.size()) +
                             " nodes, at most " + std::to_string(limits::kGraphNodesMax) +
                             " are taken")
        .WithHint("apply fewer manifests in one command");
  }
  std::unordered_set<std::string> ids;
  for (const store::Node& node : existing) ids.insert(node.id);
  for (const NodeSpec& spec : specs) {
    DCP_TRY(CheckShape(spec));
    if (!ids.insert(spec.id).second) return Refuse(spec.id, "there is a node of that id already");
  }
  for (const NodeSpec& spec : specs) {
    std::unordered_set<std::string> seen;
    for (const std::string& before : spec.after) {
      if (!ids.contains(before)) {
        return Refuse(spec.id, "it stands after \"" + before.substr(0, kNodeIdBytesMax) +
                                   "\", which does not exist");
      }
      if (!seen.insert(before).second) return Refuse(spec.id, "it names a node in `after` twice");
    }
  }
  return CheckCycles(specs);
}

std::string WrittenTable(const std::string& capability, const std::string& method,
                         const std::string& request_json, const std::string& catalog) {
  const bool makes = capability == "catalog" && method == "EnsureTable";
  const bool fills = capability == "run_backend" && method == "Submit";
  if (!makes && !fills) return "";
  const json request = json::parse(request_json, nullptr, false);
  if (!request.is_object()) return "";
  const json job = fills ? request.value("job", json::object()) : request;
  const auto table = job.is_object() ? job.find("table") : job.end();
  if (table == job.end() || !table->is_string()) return "";
  const auto& name = table->get_ref<const std::string&>();
  const std::string prefix = catalog + ".";
  return fills && name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

}  // namespace dcp::graph
