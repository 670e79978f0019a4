// SPDX-License-Identifier: Apache-2.0
//
// Opens a session on the server: checks its version and mounts the catalogs, before anything can
// use them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client.h"
#include "session_pool.h"

namespace dcp::spark_connect {

/// Who asks, as the server logs it.
constexpr const char* kClientType = "pretzel";

/// Puts the session's ids into a request of any kind.
template <typename Request>
void Address(const Session& session, Request* request) {
  request->set_session_id(session.session_id);
  request->mutable_user_context()->set_user_id(session.user_id);
  request->set_client_type(kClientType);
}

/// An error to end the call with, or none.
using Problem = std::optional<sdk::Error>;

/// Blocks; `session.mutex` is held. `*lost` says that the server has forgotten the session, and a
/// new one may help.
Problem OpenSession(Client& client, const std::vector<MountSpec>& mounts, CallScope& scope,
                    Session* session, bool* lost);

/// Ends a session on the server, as far as that can be done in the time.
void ReleaseSession(Client& client, const Session& session, int64_t timeout_ms);

/// What is wrong with this Spark version, if anything. [any]
Problem CheckVersion(const std::string& version, const std::string& endpoint);

}  // namespace dcp::spark_connect
