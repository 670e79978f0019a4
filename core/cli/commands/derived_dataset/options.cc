// SPDX-License-Identifier: Apache-2.0
//
// Flags that apply, test and run share.
#include "cli/commands/derived_dataset/options.h"

#include "cli/duration.h"

namespace dcp::cli {

Flag ParamFlag() {
  return {"param", 0, "NAME=VALUE", "a value for the query's :NAME; may be repeated", true};
}

Result<RunPlan> PlanOf(const std::string& command, const Arguments& arguments, bool waits) {
  RunPlan plan;
  plan.command = command;
  plan.wait = waits || arguments.Has("wait");
  if (const std::string limit = arguments.Text("wait"); !limit.empty()) {
    DCP_ASSIGN(plan.timeout_ms, ParseDuration(limit));
  }
  DCP_ASSIGN(const auto params, ParsePairs("param", arguments.All("param")));
  if (!params.empty()) {
    auto& fields =
        *(*plan.options.mutable_fields())["params"].mutable_struct_value()->mutable_fields();
    for (const auto& [name, value] : params) fields[name].set_string_value(value);
  }
  return plan;
}

void SetText(RunPlan& plan, const std::string& option, const std::string& value) {
  (*plan.options.mutable_fields())[option].set_string_value(value);
}

void SetBool(RunPlan& plan, const std::string& option, bool value) {
  (*plan.options.mutable_fields())[option].set_bool_value(value);
}

}  // namespace dcp::cli
