// SPDX-License-Identifier: Apache-2.0
//
// The daemon's own operations on the overlay.
#include "catalog/operations.h"

#include <utility>

#include "catalog/location.h"
#include "catalog/policy.h"
#include "catalog/table_definition.h"

namespace dcp::catalog {
namespace {

/// Whoever tries again does so a few times: two applies at once are a person's two terminals.
constexpr int kCreateAttemptsMax = 3;

Status Unexpected(const char* what, const TableName& table, const HttpReply& reply) {
  const std::string detail = UpstreamMessage(reply.body, "").substr(0, 1000);
  if (reply.code == 404 && !SaysAbsent(reply)) {
    return FailedPrecondition("cannot " + std::string(what) + " table " + Display(table) +
                              ": its metadata file is lost: " + detail +
                              "; drop the table, or declare it again with recreate");
  }
  return Status(reply.code >= 500 ? Code::kUnavailable : Code::kFailedPrecondition,
                "cannot " + std::string(what) + " table " + Display(table) +
                    ": the overlay catalog answered with HTTP " + std::to_string(reply.code) +
                    ": " + detail);
}

Status DropFromOverlay(const Backends& backends, const Place& place, const TableName& table) {
  DCP_ASSIGN(const HttpReply reply,
             backends.overlay.Delete(TablePath(place.Overlay(table)) + "?purgeRequested=false"));
  if (reply.code == 200 || reply.code == 204 || reply.code == 404) return Status::Ok();
  return Unexpected("drop", table, reply);
}

/// The table's state after creating it; ABORTED when somebody else created it first.
Result<TableState> Create(const Backends& backends, const Place& place, const TableName& table,
                          const TableSpec& spec, const char* status) {
  const std::string location = NewTableLocation(place.folder, table);
  for (const auto& [key, value] : spec.properties) {
    DCP_TRY(CheckTableProperty(key, value, location));
  }
  DCP_ASSIGN(const std::string body, CreateTableBody(spec, table.name, location, place.playground));
  DCP_TRY(EnsureOverlayNamespace(backends, place, table.levels));
  DCP_ASSIGN(const HttpReply reply,
             backends.overlay.Post(NamespacePath(place.Overlay(table.levels)) + "/tables", body));
  if (reply.code == 409) return Aborted("table " + Display(table) + " was created meanwhile");
  if (reply.code != 200) return Unexpected("create", table, reply);
  DCP_ASSIGN(const ObservedTable observed, ReadLoadedTable(reply.body));
  return TableState{status, observed.uuid, observed.location, {}};
}

Result<TableState> EnsureOnce(const Backends& backends, const Place& place, const TableName& table,
                              const TableSpec& spec) {
  DCP_ASSIGN(const HttpReply reply, LoadFromOverlay(backends, place, table, true));
  if (SaysAbsent(reply)) return Create(backends, place, table, spec, "CREATED");
  // One whose metadata is lost can only be made again.
  if (reply.code != 200 && !(spec.recreate && reply.code == 404)) {
    return Unexpected("load", table, reply);
  }
  if (spec.recreate) {
    // What is declared must be good before the table that is there goes.
    DCP_TRY(CreateTableBody(spec, table.name, "", place.playground).status());
    DCP_TRY(DropFromOverlay(backends, place, table));
    return Create(backends, place, table, spec, "RECREATED");
  }
  DCP_ASSIGN(const ObservedTable observed, ReadLoadedTable(reply.body));
  DCP_ASSIGN(std::vector<std::string> drift, FindDrift(spec, observed));
  return TableState{drift.empty() ? "UNCHANGED" : "DRIFTED", observed.uuid, observed.location,
                    std::move(drift)};
}

Status ExpectRefusal(const HttpClient& client, const std::string& path, const std::string& body,
                     const std::string& what) {
  DCP_ASSIGN(const HttpReply reply, client.Call("POST", path, body));
  if (reply.code == 403) return Status::Ok();
  return Internal("the playground catalog did not refuse " + what + ": it answered with HTTP " +
                  std::to_string(reply.code));
}

/// A table that clients of this playground are given from production.
Result<TableName> AnyProductionTable(const Backends& backends, const Place& place) {
  DCP_ASSIGN(const std::vector<Levels> namespaces, backends.production.ListNamespaces({}));
  for (const Levels& levels : namespaces) {
    DCP_ASSIGN(const std::vector<std::string> names, backends.production.List(levels, "tables"));
    for (const std::string& name : names) {
      const TableName table{levels, name};
      if (!CheckOverlayTable(table).ok()) return table;
      DCP_ASSIGN(const bool hidden, IsInOverlay(backends, place, table));
      if (!hidden) return table;
    }
  }
  return NotFound("production has no table");
}

}  // namespace

Result<TableState> EnsureTableIn(const Backends& backends, const Place& place,
                                 const TableSpec& spec) {
  DCP_ASSIGN(const TableName table, ParseTableName(spec.table));
  for (int attempt = 1;; ++attempt) {
    Result<TableState> state = EnsureOnce(backends, place, table, spec);
    if (state.ok() || state.status().code() != Code::kAborted || attempt == kCreateAttemptsMax) {
      return state;
    }
  }
}

Result<TableInfo> DescribeTableIn(const Backends& backends, const Place& place,
                                  const std::string& name) {
  DCP_ASSIGN(const TableName table, ParseTableName(name));
  TableInfo info;
  DCP_ASSIGN(HttpReply reply, LoadFromOverlay(backends, place, table, true));
  info.in_overlay = reply.code == 200;
  if (SaysAbsent(reply)) {
    DCP_ASSIGN(reply, backends.production.LoadTable(table, true));
  }
  if (SaysAbsent(reply)) return info;
  if (reply.code != 200) return Unexpected("load", table, reply);
  DCP_ASSIGN(ObservedTable observed, ReadLoadedTable(reply.body));
  info.exists = true;
  info.columns = std::move(observed.columns);
  info.uuid = observed.uuid;
  info.snapshot_id = observed.snapshot_id;
  info.metadata_location = observed.metadata_location;
  return info;
}

Status ProbeProduction(const Backends& backends, const Place& place, const std::string& endpoint,
                       const Secret& token, const std::atomic<bool>& stopping) {
  const HttpClient client({endpoint, "x-pretzel-token", token, 10'000}, stopping);
  // A staged create stores nothing; its location is what must be refused.
  DCP_TRY(ExpectRefusal(
      client, "/v1/namespaces/pretzel_probe/tables",
      R"({"name":"pretzel_probe","stage-create":true,"location":"file:///pretzel-probe",)"
      R"("schema":{"type":"struct","fields":[{"id":1,"name":"a","required":false,"type":"int"}]}})",
      "a table at a location of the client's choice"));
  DCP_TRY(ExpectRefusal(client, "/v1/transactions/commit", R"({"table-changes":[]})",
                        "a commit of several tables"));
  const Result<TableName> table = AnyProductionTable(backends, place);
  if (!table.ok()) {
    return table.status().code() == Code::kNotFound ? Status::Ok() : table.status();
  }
  // No table has this uuid, so a catalog that took the commit would reject it.
  return ExpectRefusal(
      client, TablePath(*table),
      R"({"requirements":[{"type":"assert-table-uuid","uuid":"00000000-0000-0000-0000-000000000000"}],)"
      R"("updates":[{"action":"set-properties","updates":{"pretzel.probe":"1"}}]})",
      "a commit to production's table " + Display(*table));
}

}  // namespace dcp::catalog
