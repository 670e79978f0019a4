// SPDX-License-Identifier: Apache-2.0
//
// Method Check: what the host knows of a job's process becomes the job's state. A pure function.
#pragma once

#include <dcp/sdk/plugin.h>

#include <string>
#include <string_view>

namespace dcp::spark_runner {

/// contract CheckRequest to CheckResponse, both as protobuf's JSON.
sdk::Outcome<std::string> Check(std::string_view request);

}  // namespace dcp::spark_runner
