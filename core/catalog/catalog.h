// SPDX-License-Identifier: Apache-2.0
//
// The playground catalog: an Iceberg REST endpoint for each playground, over two upstream
// catalogs. Production is read; the playground's own tables live in the overlay. What is found in
// the overlay hides production's table of the same name; every write outside the playground is
// refused. And the few operations the daemon itself does there.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "catalog/breaker.h"
#include "catalog/gate.h"
#include "catalog/tokens.h"
#include "store/store.h"

namespace dcp::catalog {

struct Upstream {
  std::string uri;  ///< "http://127.0.0.1:8181", without /v1
  Secret secret;    ///< sent as header x-pretzel-secret
  CallLimits limits = {};
};

struct Settings {
  std::string name = "prod";  ///< the catalog's name in SQL
  std::string host = "127.0.0.1";
  int port = 0;  ///< 0: any free one
  Upstream production;
  Upstream overlay;
  /// "file:///.../overlay/warehouse": every playground table lives under
  /// <warehouse>/pg/<playground>-<generation>/<namespace>/<table>-<uuid>
  std::string overlay_warehouse;
  int64_t upstream_timeout_ms = 30'000;
};

/// What was asked of the catalog with tokens of one playground generation and mode.
struct Receipt {
  int64_t loads = 0;
  int64_t lists = 0;
  int64_t creates = 0;
  int64_t commits = 0;
  int64_t drops = 0;
  int64_t refused = 0;
};

struct Column {
  std::string name;
  std::string type;  ///< Spark DDL
  bool nullable = true;
  std::string description;
};

struct TableSpec {
  std::string table;  ///< "namespace.name", relative to the production catalog
  std::vector<Column> columns;
  std::vector<std::string> partitioning;  ///< "month(time_hour)", "bucket(16, id)", "origin"
  std::vector<std::pair<std::string, std::string>> properties;
  bool recreate = false;
};

struct TableState {
  std::string status;  ///< CREATED, UNCHANGED, DRIFTED, RECREATED
  std::string uuid;
  std::string location;
  std::vector<std::string> drift;  ///< one sentence for each difference
};

struct TableInfo {
  bool exists = false;
  bool in_overlay = false;
  std::vector<Column> columns;
  std::string uuid;
  int64_t snapshot_id = 0;
  std::string metadata_location;
};

/// What one generation of a playground takes up in the overlay.
struct Footprint {
  std::vector<std::string> tables;  ///< "namespace.name", sorted
  int64_t files = 0;
  int64_t bytes = 0;
};

/// A generation of a playground that has left something in the overlay.
struct Trace {
  std::string playground;
  int64_t generation = 0;
  bool in_catalog = false;  ///< its namespace stands
  bool on_disk = false;     ///< its folder does
};

struct Traces {
  std::vector<Trace> places;           ///< by name, then generation
  std::vector<std::string> strangers;  ///< what no playground would have made there
};

class Catalog {
 public:
  /// Listens when it returns. UNAVAILABLE with the port when it is taken.
  static Result<std::unique_ptr<Catalog>> Start(Settings settings, store::Store& store,
                                                const Tokens& tokens, const Clock& clock);
  virtual ~Catalog() = default;  ///< Stops listening, ends open requests.

  virtual int port() const = 0;
  /// "http://127.0.0.1:PORT/pg/<playground>" for a client's `uri`. [any]
  virtual std::string EndpointFor(const std::string& playground) const = 0;
  virtual Receipt ReceiptFor(const std::string& playground, int64_t generation,
                             const std::string& mode) const = 0;

  // The daemon's own operations on a playground's overlay; but for DescribeTable and the probe,
  // production is not asked. [any] block, as long as `patience` lasts
  virtual Result<TableState> EnsureTable(const store::Playground& playground, const TableSpec& spec,
                                         const Patience& patience) = 0;
  virtual Result<TableInfo> DescribeTable(const store::Playground& playground,
                                          const std::string& table, const Patience& patience) = 0;
  /// Drops every table and namespace of that generation and removes its files. Idempotent and
  /// prefix-exact; wherever it was broken off, the next call goes on. Answers how many tables went.
  virtual Result<int64_t> Purge(const std::string& playground, int64_t generation,
                                const Patience& patience) = 0;
  /// What Purge would take away now.
  virtual Result<Footprint> Measure(const std::string& playground, int64_t generation) = 0;
  /// Whose things are in the overlay. Nothing is known here of who should be there.
  virtual Result<Traces> FindTraces() = 0;
  /// Tries to create a table in production through the playground's endpoint, as a client would;
  /// OK means "refused, as it must be". For doctor.
  virtual Status ProbeProductionWrite(const store::Playground& playground,
                                      const std::string& user) = 0;
  /// Whether the two catalogs answer, as far as calls have shown. [any]
  virtual std::vector<UpstreamState> Upstreams() const = 0;
};

}  // namespace dcp::catalog
