// SPDX-License-Identifier: Apache-2.0
//
// Flags that apply, test and run share.
#pragma once

#include "cli/arguments.h"
#include "cli/run_flow.h"

namespace dcp::cli {

Flag ParamFlag();
/// --param into options.params, and --wait/--no-wait/--timeout into the plan. `waits` is the
/// command's habit when neither is given.
Result<RunPlan> PlanOf(const std::string& command, const Arguments& arguments, bool waits);
void SetText(RunPlan& plan, const std::string& option, const std::string& value);
void SetBool(RunPlan& plan, const std::string& option, bool value);

}  // namespace dcp::cli
