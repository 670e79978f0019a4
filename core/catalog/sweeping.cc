// SPDX-License-Identifier: Apache-2.0
//
// Purging, measuring and finding what playgrounds have in the overlay.
#include "catalog/sweeping.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/crash_point.h"
#include "catalog/location.h"
#include "os/file.h"

namespace dcp::catalog {
namespace {

bool IsGone(int code) { return code == 200 || code == 204 || code == 404; }

Status Unexpected(const std::string& what, const HttpReply& reply) {
  std::string detail = UpstreamMessage(reply.body, "").substr(0, 1000);
  return Unavailable("cannot drop " + what + ": the overlay catalog answered with HTTP " +
                     std::to_string(reply.code) + ": " + std::move(detail));
}

/// Every namespace under the playground's root, parents before children.
Result<std::vector<Levels>> OverlayNamespaces(const Backends& backends, const Place& place) {
  std::vector<Levels> all = {place.Overlay(Levels())};
  for (size_t i = 0; i < all.size(); ++i) {
    DCP_ASSIGN(std::vector<Levels> children, backends.overlay.ListNamespaces(all[i]));
    all.insert(all.end(), children.begin(), children.end());
    if (all.size() > kPurgeNamespacesMax) {
      return ResourceExhausted("playground " + place.playground + " has more than " +
                               std::to_string(kPurgeNamespacesMax) + " namespaces");
    }
  }
  return all;
}

Status DropTables(const Backends& backends, const Levels& levels, int64_t* dropped) {
  DCP_ASSIGN(const std::vector<std::string> names, backends.overlay.List(levels, "tables"));
  for (const std::string& name : names) {
    const TableName table{levels, name};
    DCP_CRASH_POINT("catalog.purge.before_table");
    DCP_ASSIGN(const HttpReply reply,
               backends.overlay.Delete(TablePath(table) + "?purgeRequested=false"));
    if (!IsGone(reply.code)) return Unexpected("table " + Display(table), reply);
    if (reply.code != 404) ++*dropped;
    DCP_CRASH_POINT("catalog.purge.table_dropped");
  }
  return {};
}

/// One pass over the catalog. OK when nothing of the playground is left there; ABORTED when a
/// namespace was filled again behind it.
Status DropEverything(const Backends& backends, const Place& place, int64_t* dropped) {
  DCP_ASSIGN(const std::vector<Levels> namespaces, OverlayNamespaces(backends, place));
  for (const Levels& levels : namespaces) DCP_TRY(DropTables(backends, levels, dropped));
  DCP_CRASH_POINT("catalog.purge.tables_dropped");
  for (auto levels = namespaces.rbegin(); levels != namespaces.rend(); ++levels) {
    DCP_ASSIGN(const HttpReply reply, backends.overlay.Delete(NamespacePath(*levels)));
    if (IsGone(reply.code)) continue;
    // "Not empty" is 409; catalogs of before 2025 say 400.
    const bool filled = reply.code == 409 || reply.code == 400;
    const Status status = Unexpected("namespace " + Display(*levels), reply);
    return filled ? Aborted(status.message()) : status;
  }
  // A level that nobody created on its own exists as long as something is below it.
  DCP_ASSIGN(const bool left, backends.overlay.NamespaceExists(place.Overlay(Levels())));
  if (!left) return {};
  return Aborted("cannot drop namespace " + Display(place.Overlay(Levels())) +
                 ": something is in it again");
}

}  // namespace

Result<int64_t> PurgePlace(const Backends& backends, const Place& place) {
  int64_t dropped = 0;
  for (int pass = 1;; ++pass) {
    const Status status = DropEverything(backends, place, &dropped);
    if (status.ok()) break;
    if (status.code() != Code::kAborted) return status;
    if (pass == kPurgePassesMax) return Unavailable(status.message());
  }
  DCP_CRASH_POINT("catalog.purge.namespaces_dropped");
  // Only now, so that no table is left whose files are gone.
  DCP_ASSIGN(const std::string path, LocalPath(place.folder));
  DCP_TRY(os::RemoveTree(path));
  DCP_CRASH_POINT("catalog.purge.files_removed");
  return dropped;
}

Result<Footprint> MeasurePlace(const Backends& backends, const Place& place) {
  Footprint footprint;
  DCP_ASSIGN(const std::vector<Levels> namespaces, OverlayNamespaces(backends, place));
  for (const Levels& levels : namespaces) {
    DCP_ASSIGN(const std::vector<std::string> names, backends.overlay.List(levels, "tables"));
    for (const std::string& name : names) {
      // As people know it: without the level that is the playground's own.
      footprint.tables.push_back(Display(TableName{{levels.begin() + 1, levels.end()}, name}));
    }
  }
  std::sort(footprint.tables.begin(), footprint.tables.end());
  DCP_ASSIGN(const std::string path, LocalPath(place.folder));
  DCP_ASSIGN(const os::TreeSize size, os::MeasureTree(path));
  footprint.files = size.files;
  footprint.bytes = size.bytes;
  return footprint;
}

Result<Traces> FindTracesIn(const Backends& backends) {
  Traces found;
  std::map<std::pair<std::string, int64_t>, Trace> places;
  const auto trace = [&](const PlaceName& name) -> Trace& {
    Trace& entry = places[{name.playground, name.generation}];
    entry.playground = name.playground;
    entry.generation = name.generation;
    return entry;
  };
  DCP_ASSIGN(const std::vector<Levels> roots, backends.overlay.ListNamespaces({}));
  for (const Levels& root : roots) {
    if (const auto name = ParseOverlayRoot(root.front())) {
      trace(*name).in_catalog = true;
    } else {
      found.strangers.push_back("namespace " + root.front());
    }
  }
  DCP_ASSIGN(const std::string warehouse, LocalPath(backends.warehouse));
  const std::string folder = warehouse + "/pg";
  auto entries = os::ListDirectory(folder);
  if (entries.status().code() == Code::kNotFound) entries = std::vector<std::string>();
  DCP_TRY(entries.status());
  for (const std::string& entry : *entries) {
    const std::string path = folder + "/" + entry;
    const auto name = ParseFolderName(entry);
    if (name && os::IsFolder(path)) {  // playgrounds make folders, never links
      trace(*name).on_disk = true;
    } else {
      found.strangers.push_back("file " + path);
    }
  }
  for (auto& [key, place] : places) found.places.push_back(std::move(place));
  return found;
}

}  // namespace dcp::catalog
