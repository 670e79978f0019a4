// SPDX-License-Identifier: Apache-2.0
//
// Flags that apply, test and run share.
#include "cli/commands/derived_dataset/options.h"

#include <charconv>

#include "cli/duration.h"

namespace dcp::cli {

Flag ParamFlag() {
  return {"param", 0, "NAME=VALUE", "a value for the query's :NAME; may be repeated", true};
}

Flag ClientTokenFlag() {
  return {"client-token", 0, "TOKEN",
          "of the same command before, whose answer was lost: finds its run, or starts it"};
}

std::vector<Flag> PreviewFlags() {
  return {{"rows", 0, "N", "at most N rows of each dataset (default 100, at most 1000)"},
          {"timeout", 0, "TIME", "stop the query in Spark after TIME (default 60s, at most 9m)"}};
}

Status SetPreview(RunPlan& plan, const Arguments& arguments) {
  auto& fields = *plan.options.mutable_fields();
  if (const std::string text = arguments.Text("rows"); arguments.Has("rows")) {
    int64_t rows = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
    if (error != std::errc() || end != text.data() + text.size() || rows < 1 ||
        rows > kPreviewRowsMax) {
      return InvalidArgument("--rows " + text.substr(0, 80) + " is not a number from 1 to " +
                             std::to_string(kPreviewRowsMax));
    }
    fields["rows"].set_number_value(static_cast<double>(rows));
  }
  if (arguments.Has("timeout")) {
    DCP_ASSIGN(const int64_t timeout_ms, ParseDuration(arguments.Text("timeout")));
    fields["timeoutMs"].set_number_value(static_cast<double>(timeout_ms));
  }
  return {};
}

Result<RunPlan> PlanOf(const std::string& command, const Arguments& arguments, bool waits) {
  RunPlan plan;
  plan.command = command;
  plan.wait = waits || arguments.Has("wait");
  if (const std::string limit = arguments.Text("wait"); !limit.empty()) {
    DCP_ASSIGN(plan.timeout_ms, ParseDuration(limit));
  }
  plan.client_token = arguments.Text("client-token");
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
