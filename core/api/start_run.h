// SPDX-License-Identifier: Apache-2.0
//
// From a StartRun request to a graph: checks what can be checked without a plugin, and makes node
// "compile". Internal to the room.
#pragma once

#include "api/service.h"
#include "graph/graph.h"

namespace dcp::v1 {
class StartRunRequest;
}

namespace dcp::api {

/// INVALID_ARGUMENT or RESOURCE_EXHAUSTED naming the file and the limit; else what
/// Playgrounds::Usable says.
Result<graph::StartRequest> PrepareRun(const ServiceContext& context,
                                       const playground::Principal& who,
                                       const v1::StartRunRequest& request);

}  // namespace dcp::api
