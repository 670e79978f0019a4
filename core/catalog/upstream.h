// SPDX-License-Identifier: Apache-2.0
//
// One upstream Iceberg REST catalog, as the façade calls it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "catalog/breaker.h"
#include "catalog/catalog.h"
#include "catalog/gate.h"
#include "catalog/http.h"
#include "catalog/names.h"

namespace dcp::catalog {

/// Pages of one listing that are followed. Catalogs answer 100 to 1000 names a page.
constexpr int kListPagesMax = 1000;
/// Names of one listing, all pages together. A warehouse has thousands; a server that never ends
/// its listing must not fill our memory.
constexpr size_t kListNamesMax = 200'000;

/// Whether a reply says that the thing asked for does not exist. A 404 alone does not: a table
/// whose metadata file is lost answers it too, and so does a server that is no catalog.
bool SaysAbsent(const HttpReply& reply);

/// Whether a failed call says that a write was not made; else nobody knows.
bool DidNotHappen(const Status& failure);

/// As one caller sees it. Copies share connections, the gate and what is known of the upstream.
class UpstreamCatalog {
 public:
  /// `what` is how messages call it: "the production catalog". As the daemon itself sees it.
  UpstreamCatalog(const std::string& what, const Upstream& upstream, int64_t timeout_ms,
                  const std::atomic<bool>& stopping);
  UpstreamCatalog For(const Caller& caller) const;
  UpstreamState State() const { return shared_->breaker.State(); }

  // What the answer says is the caller's to judge; a Status is a failure to get one, as of
  // HttpClient::Call. UNAVAILABLE also when its gate is full or its breaker open, and when it does
  // not take our secret: its 401 must not look like the client's own. [any] block
  Result<HttpReply> Get(const std::string& path) const { return Call("GET", path, ""); }
  Result<HttpReply> Post(const std::string& path, const std::string& body) const {
    return Call("POST", path, body);
  }
  Result<HttpReply> Delete(const std::string& path) const { return Call("DELETE", path, ""); }

  Result<bool> NamespaceExists(const Levels& levels) const;
  /// By HEAD, which cannot tell a table that is lost from one that never was.
  Result<bool> TableExists(const TableName& table) const;
  /// False also where a catalog knows no views.
  Result<bool> ViewExists(const TableName& view) const;
  /// The reply to a load; with the snapshots alone that a branch or a tag names where `refs`.
  Result<HttpReply> LoadTable(const TableName& table, bool refs) const;
  /// Children of `parent` (of the root when empty), exactly one level deeper; empty when it does
  /// not exist.
  Result<std::vector<Levels>> ListNamespaces(const Levels& parent) const;
  /// Empty when the namespace does not exist. `kind` is "tables" or "views".
  Result<std::vector<std::string>> List(const Levels& levels, const std::string& kind) const;

 private:
  /// What the upstream's config says about its paths.
  struct Dialect {
    std::string prefix;             ///< "" or "/prefix"
    std::string separator = "%1F";  ///< between a namespace's levels, encoded
  };

  Result<HttpReply> Call(const std::string& method, const std::string& path,
                         const std::string& body) const;
  Result<HttpReply> CallAsIs(const std::string& method, const std::string& path,
                             const std::string& body) const;
  /// Asked for once; again as long as it fails.
  Result<Dialect> GetDialect() const;
  Result<bool> Exists(const std::string& path) const;
  /// What an answer means that is neither a yes nor a no: INVALID_ARGUMENT for a name that the
  /// server refuses, which no second try changes; UNAVAILABLE for what one may.
  Status Failed(const std::string& what, const HttpReply& reply) const;

  Status CheckNames(size_t count) const;
  /// Through the gate and past the breaker.
  Result<HttpReply> CallInTurn(const std::string& method, const std::string& path,
                               const std::string& body) const;

  struct Shared {
    Shared(const std::string& name, const Upstream& upstream, int64_t timeout_ms,
           const std::atomic<bool>& stopping);
    const std::string what;
    const std::atomic<bool>& stopping;
    HttpClient client;
    Gate gate;
    Breaker breaker;
    Mutex mutex;
    std::optional<Dialect> dialect DCP_GUARDED_BY(mutex);
  };
  std::shared_ptr<Shared> shared_;
  Caller caller_;
};

/// "/v1/namespaces/a%1Fb", ".../tables/t": in the protocol's own spelling, which a catalog turns
/// into the upstream's.
std::string NamespacePath(const Levels& levels);
std::string TablePath(const TableName& table);
std::string ViewPath(const TableName& view);

}  // namespace dcp::catalog
