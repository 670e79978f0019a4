// SPDX-License-Identifier: Apache-2.0
//
// Names of the overlay.
#include "catalog/names.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/id.h"
#include "catalog/location.h"

namespace dcp::catalog {
namespace {

constexpr size_t kNameBytesMax = 128;    // a folder's name holds 255, and ours adds 33
constexpr size_t kLocationIdBytes = 16;  // as random as a UUID

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

std::string TableFolder(const std::string& folder, const TableName& table) {
  std::string out = folder;
  for (const std::string& level : table.levels) out += "/" + level;
  return out + "/" + table.name + "-";
}

std::string FolderName(const std::string& playground, int64_t generation) {
  return playground + "-" + std::to_string(generation);
}

/// "<playground><separator><generation>", if that is how `make` writes it again.
template <typename Make>
std::optional<PlaceName> ParsePlace(std::string_view text, char separator, Make make) {
  const size_t at = text.rfind(separator);
  if (at == std::string_view::npos) return std::nullopt;
  PlaceName place;
  place.playground = std::string(text.substr(0, at));
  const std::string_view number = text.substr(at + 1);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), place.generation);
  if (error != std::errc() || place.generation < 1) return std::nullopt;
  if (!CheckPlaygroundName(place.playground).ok()) return std::nullopt;
  // Leading zeros, a sign, or something behind the number.
  if (make(place.playground, place.generation) != text) return std::nullopt;
  return place;
}

}  // namespace

std::string Display(const Levels& levels) {
  std::string out;
  for (const std::string& level : levels) out += (out.empty() ? "" : ".") + level;
  return out;
}

std::string Display(const TableName& table) { return Display(table.levels) + "." + table.name; }

Result<TableName> ParseTableName(std::string_view text) {
  Levels parts;
  size_t start = 0;
  while (start <= text.size()) {
    const size_t end = std::min(text.find('.', start), text.size());
    parts.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (parts.size() < 2) {
    return InvalidArgument("the table \"" + std::string(text) +
                           "\" has no namespace; write <namespace>.<table>");
  }
  if (std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); })) {
    return InvalidArgument("the table \"" + std::string(text) +
                           "\" cannot be used: it has nothing before, between or behind its dots");
  }
  TableName table;
  table.name = parts.back();
  parts.pop_back();
  table.levels = std::move(parts);
  DCP_TRY(CheckOverlayTable(table));
  return table;
}

Status CheckOverlayName(std::string_view name, std::string_view what) {
  if (name.empty()) return InvalidArgument("a " + std::string(what) + " has an empty name");
  if (name.size() > kNameBytesMax || name[0] == '-' ||
      !std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return InvalidArgument("the " + std::string(what) + " name \"" +
                           std::string(name.substr(0, kNameBytesMax)) +
                           "\" cannot be used in a playground; use up to 128 letters, digits, _ "
                           "and -, and do not start with -");
  }
  return Status::Ok();
}

Status CheckLevels(const Levels& levels) {
  if (levels.empty()) return InvalidArgument("the namespace is empty");
  if (levels.size() > kNamespaceLevelsMax) {
    return InvalidArgument("the namespace has more than " + std::to_string(kNamespaceLevelsMax) +
                           " levels");
  }
  for (const std::string& level : levels) {
    if (level.empty()) return InvalidArgument("the namespace has an empty level");
  }
  return Status::Ok();
}

Status CheckOverlayLevels(const Levels& levels) {
  DCP_TRY(CheckLevels(levels));
  for (const std::string& level : levels) DCP_TRY(CheckOverlayName(level, "namespace"));
  return Status::Ok();
}

Status CheckOverlayTable(const TableName& table) {
  DCP_TRY(CheckOverlayLevels(table.levels));
  return CheckOverlayName(table.name, "table");
}

std::string OverlayRoot(const std::string& playground, int64_t generation) {
  return "pg_" + playground + "_" + std::to_string(generation);
}

Levels OverlayLevels(const std::string& playground, int64_t generation, const Levels& levels) {
  Levels out = {OverlayRoot(playground, generation)};
  out.insert(out.end(), levels.begin(), levels.end());
  return out;
}

std::string PlaygroundFolder(const std::string& warehouse, const std::string& playground,
                             int64_t generation) {
  std::string root = warehouse;
  while (root.ends_with('/')) root.pop_back();
  return root + "/pg/" + FolderName(playground, generation);
}

std::optional<PlaceName> ParseOverlayRoot(std::string_view level) {
  static constexpr std::string_view kPrefix = "pg_";
  if (!level.starts_with(kPrefix)) return std::nullopt;
  return ParsePlace(level.substr(kPrefix.size()), '_',
                    [](const std::string& playground, int64_t generation) {
                      return OverlayRoot(playground, generation).substr(kPrefix.size());
                    });
}

std::optional<PlaceName> ParseFolderName(std::string_view name) {
  return ParsePlace(name, '-', FolderName);
}

std::string NewTableLocation(const std::string& folder, const TableName& table) {
  return TableFolder(folder, table) + RandomHex(kLocationIdBytes);
}

bool IsAssignedLocation(const std::string& location, const std::string& folder,
                        const TableName& table) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const std::string prefix = TableFolder(folder, table);
  const Result<std::string> wanted = CanonicalLocation(prefix, Percent::kKeep);
  const Result<std::string> given = CanonicalLocation(location, Percent::kKeep);
  if (!wanted.ok() || !given.ok() || !given->starts_with(*wanted)) return false;
  const std::string tail = given->substr(wanted->size());
  // Whichever way percent signs are read, it must lie in the folder.
  return tail.size() == 2 * kLocationIdBytes && std::all_of(tail.begin(), tail.end(), hex) &&
         IsWithin(location, folder);
}

bool IsTableLocation(const std::string& location, const std::string& folder) {
  const Result<std::string> root = CanonicalLocation(folder, Percent::kKeep);
  const Result<std::string> given = CanonicalLocation(location, Percent::kKeep);
  if (!root.ok() || !given.ok() || !given->starts_with(*root + "/")) return false;
  TableName table;
  for (size_t start = root->size() + 1; start <= given->size();) {
    const size_t end = std::min(given->find('/', start), given->size());
    table.levels.push_back(given->substr(start, end - start));
    start = end + 1;
  }
  table.name = table.levels.back();
  table.levels.pop_back();
  const size_t tail = table.name.rfind('-');
  if (tail == std::string::npos) return false;
  table.name.resize(tail);
  return CheckOverlayTable(table).ok() && IsAssignedLocation(location, folder, table);
}

}  // namespace dcp::catalog
