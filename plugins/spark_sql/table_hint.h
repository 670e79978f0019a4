// SPDX-License-Identifier: Apache-2.0
//
// What to write instead of a table's name that no catalog knows. Standard library only; the names
// come through a function, so that this can be tested without a catalog.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::spark_sql {

enum class NameKind { kTables, kNamespaces };
using Levels = std::vector<std::string>;
using Names = std::vector<std::string>;

/// Names that a hint lists when none is near: what a person takes in at a glance.
constexpr size_t kNamesShownMax = 10;

/// Names of one mounted catalog, however they are had; nothing when they are not known.
using ListNames =
    std::function<std::optional<Names>(size_t mount, NameKind kind, const Levels& levels)>;

/// "did you mean prod.nyc.flights?", or what there is, or "" when nothing is known. `wanted` are
/// the name's parts as the engine gives them; a name that does not begin with one of `catalogs` is
/// one of the first. [any]
std::string TableHint(const std::vector<std::string>& wanted,
                      const std::vector<std::string>& catalogs, const ListNames& list);

/// The parts of "`a`.`b c`.`d`", without quotes. [any]
std::vector<std::string> ParseParts(std::string_view name);

/// The name as SQL takes it: in backquotes where it must be. [any]
std::string QuoteName(std::string_view name);

}  // namespace dcp::spark_sql
