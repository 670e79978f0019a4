// SPDX-License-Identifier: Apache-2.0
//
// A dataset of one command: its manifest with the SQL read, parameters bound, dependencies found.
// It travels as JSON in the state between Compile and Continue.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "json_io.h"
#include "manifest.h"

namespace dcp::derived_dataset {

/// Rounds of one apply: each is a level of the graph, whose depth the host bounds to 4.
inline constexpr int kRoundsMax = 3;

struct Dataset {
  std::string id;     ///< "namespace.name"
  std::string table;  ///< "catalog.namespace.name"
  Place place;
  std::string sql;
  std::string sql_path;
  sdk::yaml::SourceMap sql_source;
  std::vector<ParamSpec> params;  ///< with the values of this command
  bool columns_declared = false;
  std::vector<ColumnSpec> columns;
  std::vector<std::string> partitioning;
  std::map<std::string, std::string> properties;
  std::string test_route;
  std::string run_route;
  std::vector<std::string> reads;  ///< ids of this command's datasets that its SQL reads
  int round = 0;                   ///< apply: the round in which its columns become known
  std::string spec_hash;
  std::string spec;  ///< the canonical manifest, JSON

  /// Where the query begins: what an engine says of a query as a whole stands there.
  Place SqlStart() const;
};

Json ToJson(const Dataset& dataset);
Dataset DatasetFromJson(const Json& json);

/// Contract messages for requests.
Json ColumnsJson(const std::vector<ColumnSpec>& columns);
Json ParamsJson(const Dataset& dataset);
Json SourceJson(const Dataset& dataset);
/// Columns of a contract message, their types as Iceberg stores them (empty where it cannot).
std::vector<ColumnSpec> ColumnsFromJson(const Json& list);

/// The canonical manifest and its SHA-256: the same for any spelling of the same manifest.
std::string CanonicalSpec(const Manifest& manifest);
std::string SpecHash(const std::string& spec);

}  // namespace dcp::derived_dataset
