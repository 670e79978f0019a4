// SPDX-License-Identifier: Apache-2.0
//
// The SQL screen: says whether text is one query that may be shown to Spark's analyzer, before any
// of it leaves this process. Analysis alone can load classes (reflect), open addresses (from_xml
// with a schema's), start programs (TRANSFORM) or list files (csv.`/path`), so those are refused
// here: what is called must be on the list of functions.h. What passes is sent wrapped in a
// sub-query, where Spark's own grammar admits queries only; both rules are needed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

/// Bytes of one statement: 1 MiB is twenty times the longest query we have seen a person write.
constexpr size_t kSqlBytesMax = size_t{1} << 20;
/// Parentheses within parentheses. Spark's parser recurses, and a stack overflow there ends a
/// thread that other tenants' sessions share.
constexpr size_t kParenDepthMax = 200;

/// A `:name` marker, at its first use.
struct Marker {
  std::string name;
  size_t begin = 0;
  size_t end = 0;
};

struct Screened {
  std::string sql;  ///< up to its last token, without ';' and comments; offsets are unchanged
  std::vector<Marker> markers;
};

struct ScreenResult {
  std::optional<Denial> denial;
  Screened query;  ///< when there is no denial
};

/// [any]
ScreenResult Screen(std::string_view sql);

/// Findings about markers; more help nobody, and each looks for the nearest name.
constexpr size_t kUndeclaredMax = 200;

/// The first kUndeclaredMax markers that `declared` lacks (as denials, with did-you-mean). [any]
std::vector<Denial> UndeclaredMarkers(const std::vector<Marker>& markers,
                                      const std::vector<std::string>& declared);
/// Declared names that no marker uses. [any]
std::vector<std::string> UnusedParameters(const std::vector<Marker>& markers,
                                          const std::vector<std::string>& declared);

}  // namespace dcp::spark_sql
