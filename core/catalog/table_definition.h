// SPDX-License-Identifier: Apache-2.0
//
// A declared table against an Iceberg one: the request that creates it, what an answer says about
// a table, and the differences between the two.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace dcp::catalog {

/// The property that marks a table as a playground's; names the playground.
inline constexpr char kPlaygroundProperty[] = "pretzel.playground";

/// What a LoadTableResult says about a table.
struct ObservedTable {
  std::string uuid;
  std::string location;
  std::string metadata_location;
  int64_t snapshot_id = 0;  ///< 0: none
  int format_version = 0;
  std::vector<Column> columns;
  std::vector<std::string> partitioning;  ///< as "month(time_hour)", "bucket(16, id)", "origin"
  std::map<std::string, std::string> properties;
};

/// Reads a LoadTableResult; INTERNAL when it is not one.
Result<ObservedTable> ReadLoadedTable(const std::string& body);

/// The body of the createTable request. INVALID_ARGUMENT names the column or partition field and
/// what is wrong with it.
Result<std::string> CreateTableBody(const TableSpec& spec, const std::string& name,
                                    const std::string& location, const std::string& playground);

/// One sentence for each difference in columns, partitioning and declared properties. Comments of
/// columns and properties that nobody declared are no differences: engines write their own.
Result<std::vector<std::string>> FindDrift(const TableSpec& spec, const ObservedTable& table);

}  // namespace dcp::catalog
