// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/table_hint.h"

#include <algorithm>
#include <utility>

#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

std::string Dotted(const std::string& catalog, const Levels& levels) {
  std::string out = QuoteName(catalog);
  for (const std::string& level : levels) out += "." + QuoteName(level);
  return out;
}

std::string DidYouMean(const std::string& name) { return "did you mean " + name + "?"; }

// "a, b, c and 4 more"
std::string Some(Names names) {
  std::sort(names.begin(), names.end());
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kNamesShownMax); ++i) {
    if (i > 0) out += ", ";
    out += QuoteName(names[i]);
  }
  if (names.size() > kNamesShownMax) {
    out += " and " + std::to_string(names.size() - kNamesShownMax) + " more";
  }
  return out;
}

// Everything but what the person wrote: that is known not to be there.
Names Without(Names names, const std::string& word) {
  names.erase(std::remove(names.begin(), names.end(), word), names.end());
  return names;
}

class Search {
 public:
  Search(size_t mount, const std::string& catalog, const ListNames& list)
      : mount_(mount), catalog_(catalog), list_(list) {}

  // `exact` says that the catalog's name is as the person wrote it.
  std::string Run(const Levels& levels, const std::string& table, bool exact) const {
    if (const auto tables = list_(mount_, NameKind::kTables, levels)) {
      const Names others = exact ? Without(*tables, table) : *tables;
      const std::string nearest = Nearest(table, others);
      if (!nearest.empty()) return DidYouMean(Dotted(catalog_, levels) + "." + QuoteName(nearest));
      const std::string space = Dotted(catalog_, levels);
      if (others.empty()) return space + " holds no table";
      return "tables of " + space + ": " + Some(others);
    }
    return OtherNamespace(levels, table);
  }

 private:
  // The namespace cannot be listed: perhaps because there is none of that name.
  std::string OtherNamespace(const Levels& levels, const std::string& table) const {
    const Levels parent(levels.begin(), levels.end() - 1);
    const auto found = list_(mount_, NameKind::kNamespaces, parent);
    if (!found) return {};
    const Names spaces = Without(*found, levels.back());
    const std::string nearest = Nearest(levels.back(), spaces);
    if (nearest.empty()) {
      return spaces.empty() ? std::string()
                            : "namespaces of " + Dotted(catalog_, parent) + ": " + Some(spaces);
    }
    Levels mended = parent;
    mended.push_back(nearest);
    const auto tables = list_(mount_, NameKind::kTables, mended);
    const std::string there = tables ? Nearest(table, *tables) : std::string();
    const std::string space = Dotted(catalog_, mended);
    if (!there.empty()) return DidYouMean(space + "." + QuoteName(there));
    return "did you mean the namespace " + space + "?";
  }

  const size_t mount_;
  const std::string& catalog_;
  const ListNames& list_;
};

}  // namespace

std::string TableHint(const std::vector<std::string>& wanted,
                      const std::vector<std::string>& catalogs, const ListNames& list) {
  if (wanted.size() < 2 || catalogs.empty()) return {};
  auto catalog = std::find(catalogs.begin(), catalogs.end(), wanted.front());
  bool named = catalog != catalogs.end() && wanted.size() > 2;
  const bool exact = named || wanted.size() == 2;
  if (!named && wanted.size() > 2) {
    // Not a catalog: one that is misspelt, rather than a namespace within a namespace.
    catalog = std::find(catalogs.begin(), catalogs.end(), Nearest(wanted.front(), catalogs));
    named = catalog != catalogs.end();
  }
  if (!named) catalog = catalogs.begin();
  const Levels levels(wanted.begin() + (named ? 1 : 0), wanted.end() - 1);
  const auto mount = static_cast<size_t>(catalog - catalogs.begin());
  return Search(mount, *catalog, list).Run(levels, wanted.back(), exact);
}

std::vector<std::string> ParseParts(std::string_view name) {
  std::vector<std::string> parts;
  std::string part;
  bool quoted = false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '`') {
      if (quoted && i + 1 < name.size() && name[i + 1] == '`') {
        part += name[i++];
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && name[i] == '.') {
      parts.push_back(std::exchange(part, {}));
    } else {
      part += name[i];
    }
  }
  parts.push_back(std::move(part));
  return parts;
}

std::string QuoteName(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool digits = name.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits && std::all_of(name.begin(), name.end(), plain)) return std::string(name);
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += c;
    out += c;
  }
  return out + "`";
}

}  // namespace dcp::spark_sql
