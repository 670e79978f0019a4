// SPDX-License-Identifier: Apache-2.0
//
// From rows of the store to messages of the API.
#include "api/run_proto.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "dcp/v1/dcp.pb.h"
#include "graph/status_json.h"

namespace dcp::api {
namespace {

using nlohmann::json;

/// Paths are kept as ["a.sql"] or as the contract's {"paths":["a.sql"]}.
void FillNeedsFiles(const std::string& text, v1::Run* to) {
  if (text.empty()) return;
  const json value = json::parse(text, nullptr, false);
  const json* paths = &value;
  if (value.is_object() && value.contains("paths")) paths = &value["paths"];
  if (!paths->is_array()) return;
  for (const json& path : *paths) {
    if (path.is_string()) to->add_needs_files(path.get<std::string>());
  }
}

}  // namespace

void FillPlayground(const store::Playground& from, v1::Playground* to) {
  to->set_name(from.name);
  to->set_generation(from.generation);
  to->set_owner(from.owner);
  to->set_team(from.team);
  to->set_environment(from.environment);
  to->set_state(from.state);
  to->set_created_at_ms(from.created_at);
  to->set_expires_at_ms(from.expires_at);
  for (const auto& [key, value] : from.labels) (*to->mutable_labels())[key] = value;
}

void FillRunSummary(const store::RunSummary& from, v1::Run* to) {
  to->set_id(from.id);
  to->set_playground(from.playground);
  to->set_command(from.command);
  to->set_principal(from.principal);
  to->set_state(from.state);
  to->set_created_at_ms(from.created_at);
  to->set_finished_at_ms(from.finished_at);
  to->set_cancel_requested(from.cancel_requested);
  const Status error = graph::StatusFromJson(from.error_json);
  if (error.ok()) return;
  to->set_error_code(std::string(CodeName(error.code())));
  to->set_error_message(error.message());
  to->mutable_error()->set_id(error.id());
  to->mutable_error()->set_hint(error.hint());
  to->mutable_error()->set_file(error.location().file);
  to->mutable_error()->set_line(error.location().line);
  to->mutable_error()->set_column(error.location().column);
}

Status FillRun(store::Store& store, const std::string& run_id, v1::Run* to) {
  DCP_ASSIGN(const store::Run run, store.GetRun(run_id));
  DCP_ASSIGN(const auto nodes, store.GetNodeSummaries(run_id));
  FillRunSummary(run, to);
  for (const store::NodeSummary& node : nodes) {
    v1::RunNode* out = to->add_nodes();
    out->set_id(node.id);
    out->set_title(node.title);
    out->set_capability(node.capability);
    out->set_method(node.method);
    out->set_state(node.state);
    out->set_started_at_ms(node.started_at);
    out->set_finished_at_ms(node.finished_at);
    out->set_error_message(graph::StatusFromJson(node.error_json).message());
    out->set_detail(node.detail);
  }
  if (!run.report_json.empty()) {
    const auto parsed =
        google::protobuf::util::JsonStringToMessage(run.report_json, to->mutable_report());
    if (!parsed.ok()) to->clear_report();
  }
  FillNeedsFiles(run.needs_files_json, to);
  return {};
}

}  // namespace dcp::api
