// SPDX-License-Identifier: Apache-2.0
//
// From the files of a command to its datasets, in the order in which they read each other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataset.h"

namespace dcp::derived_dataset {

struct Source {
  std::string path;
  std::string content;
};

struct Collected {
  std::vector<Dataset> datasets;         ///< each after those it reads
  std::vector<std::string> needs_files;  ///< paths from the command's folder
};

/// `overrides` are values of parameters that the command gives. Anything wrong goes to `findings`;
/// the result is of use only when there is no error.
Collected Collect(const std::vector<Source>& manifests, const std::vector<Source>& files,
                  const std::string& catalog, const std::map<std::string, std::string>& overrides,
                  Findings& findings);

/// What the manifests define and what their queries name, for who has to divide a command into
/// several: no rule is applied, and a manifest that cannot be read is left out.
struct OutlinedDataset {
  std::string path;
  std::string name;
  std::vector<std::string> reads;  ///< names that may be those of datasets
  std::vector<std::string> params;
  std::string sql_file;
};
struct Outline {
  std::vector<OutlinedDataset> datasets;
  std::vector<std::string> needs_files;  ///< when not empty, nothing else counts
};
Outline OutlineOf(const std::vector<Source>& sources, const std::vector<Source>& files,
                  const std::string& catalog);

}  // namespace dcp::derived_dataset
