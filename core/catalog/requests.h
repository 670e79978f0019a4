// SPDX-License-Identifier: Apache-2.0
//
// One authenticated request, and the two catalogs it is answered from. The functions are the
// endpoints, one each; facade.cc decides which is called, and by whom.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "catalog/answers.h"
#include "catalog/http.h"
#include "catalog/names.h"
#include "catalog/router.h"
#include "catalog/upstream.h"

namespace dcp::catalog {

/// The two catalogs, as one caller sees them.
struct Backends {
  /// As the daemon itself does.
  Backends(const Settings& settings, const std::atomic<bool>& stopping)
      : warehouse(settings.overlay_warehouse),
        name(settings.name),
        production("the production catalog", settings.production, settings.upstream_timeout_ms,
                   stopping),
        overlay("the overlay catalog", settings.overlay, settings.upstream_timeout_ms, stopping),
        renaming_lock(std::make_shared<std::shared_mutex>()),
        renaming(*renaming_lock) {}
  Backends(const Backends& all, const Caller& caller)
      : warehouse(all.warehouse),
        name(all.name),
        production(all.production.For(caller)),
        overlay(all.overlay.For(caller)),
        renaming_lock(all.renaming_lock),
        renaming(*renaming_lock) {}
  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  std::string warehouse;  ///< of the overlay
  std::string name;       ///< of production, in SQL
  UpstreamCatalog production;
  UpstreamCatalog overlay;

 private:
  std::shared_ptr<std::shared_mutex> renaming_lock;

 public:
  /// Held by a rename alone, and shared by commits that make a table: between looking for a note of
  /// the location and the commit no rename may come.
  std::shared_mutex& renaming;
};

/// One generation of a playground: where its tables are.
struct Place {
  std::string playground;
  int64_t generation = 0;
  std::string folder;  ///< every file of it lies under this location
  std::string hidden;  ///< "pg_fin-1_1.": what clients do not see of the overlay's names

  static Place Of(const Backends& backends, const std::string& playground, int64_t generation);
  Levels Overlay(const Levels& levels) const;
  TableName Overlay(const TableName& table) const;
};

struct Request {
  const Place& place;
  const Route& route;
  const std::map<std::string, std::string>& query;
  const std::string& body;

  TableName Table() const { return {route.levels, route.name}; }
};

// --- namespaces.cc ---------------------------------------------------------------------------
HttpResponse ListNamespaces(const Backends& backends, const Request& request);
HttpResponse LoadNamespace(const Backends& backends, const Request& request);
HttpResponse NamespaceExists(const Backends& backends, const Request& request);
HttpResponse CreateNamespace(const Backends& backends, const Request& request);
HttpResponse DropNamespace(const Backends& backends, const Request& request);
HttpResponse UpdateNamespace(const Backends& backends, const Request& request);
HttpResponse NoSuchNamespace(const Levels& levels);
/// Whether clients see that namespace, from either side.
Result<bool> IsNamespaceVisible(const Backends& backends, const Place& place, const Levels& levels);
/// Makes the namespace and its parents in the overlay where they are missing.
Status EnsureOverlayNamespace(const Backends& backends, const Place& place, const Levels& levels);

// --- tables.cc -------------------------------------------------------------------------------
HttpResponse ListTables(const Backends& backends, const Request& request);
HttpResponse LoadTable(const Backends& backends, const Request& request);
HttpResponse TableExists(const Backends& backends, const Request& request);
HttpResponse DropTable(const Backends& backends, const Request& request);
HttpResponse RenameTable(const Backends& backends, const Request& request);
HttpResponse ReportMetrics(const Backends& backends, const Request& request);
HttpResponse NoSuchTable(const TableName& table);
/// The overlay's reply to a load; it SaysAbsent also for names that the overlay cannot hold. Any
/// other failure is the table's own: production's of the same name is not what was asked for.
Result<HttpReply> LoadFromOverlay(const Backends& backends, const Place& place,
                                  const TableName& table, bool refs);
/// Whether the playground has that table, be it one whose metadata is lost.
Result<bool> IsInOverlay(const Backends& backends, const Place& place, const TableName& table);
/// Where engines are told to write when they were given a table of production.
std::string QuarantineOf(const Place& place, const TableName& table);
/// 403: "prod.nyc.flights is read-only in playground fin-123; ..."
HttpResponse ReadOnlyAnswer(const Backends& backends, const Place& place, const std::string& name);

// --- new_names.cc ----------------------------------------------------------------------------
/// Nothing when a table of that name may be made, whose namespace is then in the overlay; otherwise
/// the answer that says who has the name. `failed` answers for an upstream that does.
std::optional<HttpResponse> PrepareName(const Backends& backends, const Place& place,
                                        const TableName& table,
                                        HttpResponse (*failed)(const Status&));
/// Renaming leaves a table's files where they are, so their location must never be given to another
/// table of the former name. The playground's own namespace keeps the note; taken before renaming.
Status NoteRenamed(const Backends& backends, const Place& place, const std::string& location);
/// Whether that note was taken.
Result<bool> IsNotedRenamed(const Backends& backends, const Place& place,
                            const std::string& location);

// --- table_writes.cc -------------------------------------------------------------------------
HttpResponse CreateTable(const Backends& backends, const Request& request);
HttpResponse CommitTable(const Backends& backends, const Request& request);
/// Nothing was committed, and the client may be sure of it: a 5xx would make engines believe that
/// the outcome is unknown, and keep files of a write that never was.
HttpResponse NotCommitted(const Status& status);

// --- views.cc --------------------------------------------------------------------------------
HttpResponse ListViews(const Backends& backends, const Request& request);
HttpResponse LoadView(const Backends& backends, const Request& request);
HttpResponse ViewExists(const Backends& backends, const Request& request);

}  // namespace dcp::catalog
