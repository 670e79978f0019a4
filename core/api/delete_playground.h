// SPDX-License-Identifier: Apache-2.0
//
// The graph that takes a playground away: used by DeletePlayground and by the daemon's expiry
// timer, so both remove the same things.
#pragma once

#include "base/result.h"
#include "graph/graph.h"
#include "store/store.h"

namespace dcp::api {

/// For a playground in state DELETING: cancels its open runs and starts, once they have ended,
/// playground.EndJobs -> catalog.Purge -> playground.FinishDelete. Repeatable: an open delete run
/// is answered again; after a failed one a new one starts. [any]
Result<store::Run> StartDelete(store::Store& store, graph::Runner& runner,
                               const store::Playground& playground);

}  // namespace dcp::api
