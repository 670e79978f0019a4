// SPDX-License-Identifier: Apache-2.0
//
// Names of the overlay: where a playground's namespaces and tables stand in the overlay catalog
// and on storage. The generation is part of both, so that a name can be used again while the
// sweeper still works on its former bearer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::catalog {

using Levels = std::vector<std::string>;

struct TableName {
  Levels levels;
  std::string name;
};

/// "nyc.flights", for messages.
std::string Display(const Levels& levels);
std::string Display(const TableName& table);
/// Splits "namespace.table"; each part must be a name that the overlay takes.
Result<TableName> ParseTableName(std::string_view text);

/// Levels of one namespace. Deeper ones are nobody's, and every level is a row and a folder.
constexpr size_t kNamespaceLevelsMax = 16;

/// What every namespace must be, in a URL or in a body, production's or the overlay's: 1 to
/// kNamespaceLevelsMax levels, none of them empty.
Status CheckLevels(const Levels& levels);
/// Letters, digits, '_' and '-', starting with a letter, digit or '_', at most 128: what stands
/// for itself in SQL catalogs, URLs and paths. Production's own names may be anything.
Status CheckOverlayName(std::string_view name, std::string_view what);
Status CheckOverlayLevels(const Levels& levels);
Status CheckOverlayTable(const TableName& table);

/// "pg_<playground>_<generation>": first level of every namespace of that playground upstream.
/// Playground names hold no '_', so it can be read back.
std::string OverlayRoot(const std::string& playground, int64_t generation);
Levels OverlayLevels(const std::string& playground, int64_t generation, const Levels& levels);

/// "<warehouse>/pg/<playground>-<generation>".
std::string PlaygroundFolder(const std::string& warehouse, const std::string& playground,
                             int64_t generation);
/// The inverses of OverlayRoot and of PlaygroundFolder's last segment: nothing for a text that they
/// would not make. What is removed is found by these, so nothing else ever is.
struct PlaceName {
  std::string playground;
  int64_t generation = 0;
};
std::optional<PlaceName> ParseOverlayRoot(std::string_view level);
std::optional<PlaceName> ParseFolderName(std::string_view name);
/// "<folder>/<levels>/<table>-<32 hex digits>", new at each call.
std::string NewTableLocation(const std::string& folder, const TableName& table);
/// Whether `location` is one that NewTableLocation could have made for that table. This is what
/// a staged create is recognised by, so nothing has to be remembered between its two requests.
bool IsAssignedLocation(const std::string& location, const std::string& folder,
                        const TableName& table);
/// Whether it is one that NewTableLocation could have made for any table of that folder.
bool IsTableLocation(const std::string& location, const std::string& folder);

}  // namespace dcp::catalog
