// SPDX-License-Identifier: Apache-2.0
#include "mounting.h"

#include <spark/connect/base.pb.h>

#include <cstdio>
#include <future>

#include "engine_error.h"

namespace dcp::spark_connect {
namespace {

namespace sc = ::spark::connect;

void Configure(const std::vector<MountSpec>& mounts, sc::ConfigRequest::Set* set) {
  const auto put = [set](const std::string& key, const std::string& value) {
    auto* pair = set->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
  };
  for (const MountSpec& mount : mounts) {
    const std::string catalog = "spark.sql.catalog." + mount.name;
    put(catalog, "org.apache.iceberg.spark.SparkCatalog");
    put(catalog + ".type", "rest");
    put(catalog + ".uri", mount.uri);
    put(catalog + ".header.x-pretzel-token", mount.token);
    // The OAuth way would start threads that closing a session does not stop.
    put(catalog + ".rest.auth.type", "none");
    put(catalog + ".cache-enabled", "false");
    put(catalog + ".rest-metrics-reporting-enabled", "false");
    put(catalog + ".io-impl", "org.apache.iceberg.hadoop.HadoopFileIO");
  }
  if (!mounts.empty()) put("spark.sql.defaultCatalog", mounts.front().name);
  put("spark.sql.debug.maxToStringFields", "100000");
  put("spark.sql.maxMetadataStringLength", "10000");
  // Off on our own server already; a server of somebody else's may not know.
  put("spark.sql.runSQLOnFiles", "false");
  put("spark.sql.scripting.enabled", "false");
  put("spark.sql.variable.substitute", "false");
}

}  // namespace

Problem CheckVersion(const std::string& version, const std::string& endpoint) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 &&
      (major > 4 || (major == 4 && minor >= 1))) {
    return std::nullopt;
  }
  sdk::Error error;
  error.code = DCP_FAILED_PRECONDITION;
  error.id = "PZ0245";
  error.message = "the server at " + endpoint + " runs Spark " + version +
                  "; before 4.1, analyzing a statement may run it";
  error.hint = "use a server with Spark 4.1 or later";
  return error;
}

Problem OpenSession(Client& client, const std::vector<MountSpec>& mounts, CallScope& scope,
                    Session* session, bool* lost) {
  // Both at once, to wait once: settings do no harm on a server that turns out to be too old.
  sc::AnalyzePlanResponse version;
  auto asking = std::async(std::launch::async, [&] {
    sc::AnalyzePlanRequest request;
    Address(*session, &request);
    request.mutable_spark_version();
    return client.Analyze(request, &version, scope);
  });
  sc::ConfigRequest config;
  Address(*session, &config);
  Configure(mounts, config.mutable_operation()->mutable_set());
  sc::ConfigResponse done;
  const auto config_failure = client.Config(config, &done, scope);
  if (const auto failure = asking.get()) return client.ToError(*failure);
  session->engine_version = version.spark_version().version();
  if (Problem problem = CheckVersion(session->engine_version, client.endpoint())) return problem;
  if (config_failure) {
    const EngineError error = FromFailure(*config_failure);
    *lost = IsSessionLost(error);
    return ToCallError(error, *config_failure, client);
  }
  session->server_side_session_id = done.server_side_session_id();
  session->ready = true;
  return std::nullopt;
}

void ReleaseSession(Client& client, const Session& session, int64_t timeout_ms) {
  CallScope scope(timeout_ms);
  sc::ReleaseSessionRequest request;
  Address(session, &request);
  (void)client.Release(request, scope);  // the server forgets it by itself, later
}

}  // namespace dcp::spark_connect
