// SPDX-License-Identifier: Apache-2.0
//
// spec.table: format, partitioning and properties.
#pragma once

#include "manifest.h"

namespace dcp::derived_dataset {

/// Reads spec.table into `manifest`, whose columns must have been read.
void ReadTable(sdk::yaml::Fields& spec, const std::string& path, Manifest& manifest,
               Findings& findings);

}  // namespace dcp::derived_dataset
