// SPDX-License-Identifier: Apache-2.0
//
// From a StartRun request to a graph: checks what can be checked without a plugin, and makes node
// "compile". Internal to the room.
#pragma once

#include "api/service.h"
#include "graph/graph.h"

namespace dcp::v1 {
class OutlineManifestsRequest;
class OutlineManifestsResponse;
class StartRunRequest;
}  // namespace dcp::v1

namespace dcp::api {

/// INVALID_ARGUMENT or RESOURCE_EXHAUSTED naming the file and the limit; else what
/// Playgrounds::Usable says.
Result<graph::StartRequest> PrepareRun(const ServiceContext& context,
                                       const playground::Principal& who,
                                       const v1::StartRunRequest& request);

/// For how long a plugin may read manifests.
constexpr int64_t kOutlineMs = 30'000;

/// What the manifests define and read, as the resource's plugin says; the same checks.
Status FillOutline(const ServiceContext& context, const playground::Principal& who,
                   const v1::OutlineManifestsRequest& request, std::function<bool()> cancelled,
                   v1::OutlineManifestsResponse* answer);

}  // namespace dcp::api
