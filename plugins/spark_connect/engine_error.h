// SPDX-License-Identifier: Apache-2.0
//
// What Spark says over Spark Connect when it refuses a plan: out of RPCs, in the shape that all
// backends share.
#pragma once

#include "client.h"
#include "spark_sql/engine_error.h"

namespace dcp::spark_connect {

// What is shared with other backends is spelt as if it were here.
using namespace spark_sql;  // NOLINT: this plugin's own namespace, and nobody else includes it

/// What the trailer of a failed RPC holds. [any]
EngineError FromFailure(const RpcFailure& failure);

/// Adds what FetchErrorDetails answered. [any]
void AddDetails(const spark::connect::FetchErrorDetailsResponse& response, EngineError* error);

/// The server no longer has the session: a new one may help.
bool IsSessionLost(const EngineError& error);

/// A failure that is nobody's SQL, as the call's error. [any]
sdk::Error ToCallError(const EngineError& error, const RpcFailure& failure, const Client& client);

}  // namespace dcp::spark_connect
