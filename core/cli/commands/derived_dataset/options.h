// SPDX-License-Identifier: Apache-2.0
//
// Flags that apply, test and run share.
#pragma once

#include "cli/arguments.h"
#include "cli/run_flow.h"

namespace dcp::cli {

/// Rows of one preview: the daemon's plugin refuses more, and says why.
inline constexpr int64_t kPreviewRowsMax = 1'000;

Flag ParamFlag();
Flag ClientTokenFlag();
/// --rows and --timeout.
std::vector<Flag> PreviewFlags();
/// Their values into the options; INVALID_ARGUMENT for what is no number or no time.
Status SetPreview(RunPlan& plan, const Arguments& arguments);
/// --param into options.params, and --wait/--no-wait/--timeout into the plan. `waits` is the
/// command's habit when neither is given.
Result<RunPlan> PlanOf(const std::string& command, const Arguments& arguments, bool waits);
void SetText(RunPlan& plan, const std::string& option, const std::string& value);
void SetBool(RunPlan& plan, const std::string& option, bool value);

}  // namespace dcp::cli
