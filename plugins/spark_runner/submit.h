// SPDX-License-Identifier: Apache-2.0
//
// Method Submit: a job becomes a process specification. A pure function: asked again with the same
// request it answers the same, and nothing starts before the host launches the process.
#pragma once

#include <dcp/sdk/plugin.h>

#include <string>
#include <string_view>

#include "config.h"

namespace dcp::spark_runner {

/// contract SubmitRequest to SubmitResponse, both as protobuf's JSON.
sdk::Outcome<std::string> Submit(const Config& config, std::string_view request);

}  // namespace dcp::spark_runner
