// SPDX-License-Identifier: Apache-2.0
//
// The manifest of a derived dataset as a person wrote it: kind DerivedDataset of dcp/v1.
// docs/reference/manifest.md describes every field.
#pragma once

#include <dcp/sdk/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "finding.h"

namespace dcp::derived_dataset {

/// "namespace.name" names nodes of a graph ("<name>.receipt-before"), which hold 128 characters.
inline constexpr size_t kDatasetNameMax = 100;
/// Iceberg and Parquet take more; a table that wide is generated wrongly.
inline constexpr size_t kColumnsMax = 2000;
inline constexpr size_t kParamsMax = 100;

struct ColumnSpec {
  std::string name;
  std::string type;  ///< canonical
  bool nullable = true;
  std::string description;
  Place place;
};

struct ParamSpec {
  std::string name;
  std::string type;  ///< canonical
  bool has_default = false;
  std::optional<std::string> value;  ///< the default; unset with has_default is NULL
  Place place;
};

struct Manifest {
  Place place;       ///< of metadata.name, or of the document
  std::string name;  ///< "namespace.name", relative to the production catalog
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string owner_team;
  std::string owner_email;
  std::string description;

  std::optional<std::string> sql_file;  ///< its path from the command's folder
  std::string sql_file_as_written;
  std::string sql;                  ///< from the manifest; filled from the file later
  sdk::yaml::SourceMap sql_source;  ///< of `sql` in `sql_path`
  std::string sql_path;
  bool sql_is_text = true;  ///< false: the file was refused, and a finding says why
  Place sql_place;          ///< of the value of sql or sqlFile

  std::vector<ParamSpec> params;
  bool columns_declared = false;
  std::vector<ColumnSpec> columns;
  std::vector<std::string> partitioning;
  std::map<std::string, std::string> properties;
  std::string test_route;
  std::string run_route;
};

/// Every manifest of one file. What is wrong goes to `findings`; a manifest with an error is left
/// out. `catalog` is the name production is mounted under.
std::vector<Manifest> ParseManifests(const std::string& path, std::string_view text,
                                     const std::string& catalog, Findings& findings);

/// "a/b" for "./x/../a//b"; nothing when it is absolute or leads out of its folder.
std::optional<std::string> NormalPath(std::string_view path);

}  // namespace dcp::derived_dataset
