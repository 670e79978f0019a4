// SPDX-License-Identifier: Apache-2.0
//
// Capability test_backend as batch jobs. Both are pure functions: Analyze screens a query and
// describes the process that asks Spark, Interpret turns what that process left into the answer
// that Spark Connect would have given.
#pragma once

#include <dcp/sdk/plugin.h>

#include <string>
#include <string_view>

#include "config.h"

namespace dcp::spark_runner {

/// contract AnalyzeRequest to AnalyzeResponse, both as protobuf's JSON: the findings of a query
/// that is refused before anything runs, else a process.
sdk::Outcome<std::string> Analyze(const Config& config, std::string_view request);

/// contract InterpretRequest to AnalyzeResponse. UNAVAILABLE when another try may end otherwise.
sdk::Outcome<std::string> Interpret(std::string_view request);

}  // namespace dcp::spark_runner
