// SPDX-License-Identifier: Apache-2.0
//
// Which tables and namespaces a mounted catalog has: asked of its Iceberg REST endpoint, for a
// hint only, so whatever goes wrong is "not known" and never an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call_scope.h"
#include "session_pool.h"
#include "spark_sql/table_hint.h"

namespace dcp::spark_connect {

/// What all requests for one hint may take: a person waits for the error it belongs to.
constexpr int64_t kNamesTimeoutMs = 2'000;
/// Pages asked for in one hint, and how many names one page may have: beyond their product a
/// catalog is so large that the nearest name is one of many, and the listing costs seconds.
constexpr int kNamePagesMax = 10;
constexpr int kNamesPerPage = 500;
/// One answer; a page of the longest names stays far below.
constexpr size_t kNamesBytesMax = size_t{1} << 20;
/// Names that are compared; a server that ignores the page size may send more.
constexpr size_t kNamesMax = size_t{kNamePagesMax} * kNamesPerPage;

using spark_sql::Levels;
using spark_sql::NameKind;
using spark_sql::Names;

class CatalogNames {
 public:
  CatalogNames(const std::vector<MountSpec>& mounts, CallScope& scope);
  CatalogNames(const CatalogNames&) = delete;
  CatalogNames& operator=(const CatalogNames&) = delete;

  /// Tables of the namespace `levels`, or the namespaces directly under it. Nothing when they
  /// cannot be had: unknown namespace, no answer in time, cancelled. Blocks.
  std::optional<Names> List(size_t mount, NameKind kind, const Levels& levels);

 private:
  std::optional<std::string> Get(const MountSpec& mount, const std::string& url) const;

  const std::vector<MountSpec>& mounts_;
  CallScope& scope_;
  const CallScope::Clock::time_point deadline_;
  int pages_left_ = kNamePagesMax;
};

/// The address of one page. [any]
std::string NamesUrl(const std::string& base, NameKind kind, const Levels& levels,
                     const std::string& page_token);

struct NamesPage {
  Names names;
  std::string next;  ///< token of the next page; empty on the last
};
/// Reads one answer; nothing when it is no listing. Names with control characters are left out: a
/// hint ends on a terminal. [any]
std::optional<NamesPage> ReadNamesPage(const std::string& body, NameKind kind);

}  // namespace dcp::spark_connect
