// SPDX-License-Identifier: Apache-2.0
//
// From what a value failed to words that help; internal to the room.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "schema/library.h"
#include "schema/schema.h"

namespace dcp::schema {

/// One mistake for each failure that stands for itself. Values at `referenced` and those that may
/// be secret are not quoted.
std::vector<Mistake> Explain(const std::string& compiled, const std::string& config_json,
                             const std::vector<Failure>& failures,
                             const std::set<std::string>& referenced);

}  // namespace dcp::schema
