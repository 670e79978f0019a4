// SPDX-License-Identifier: Apache-2.0
//
// JSON as text between the parts of this room: each part parses what it is given, so no JSON type
// stands in a header. This one guards those parsers.
#pragma once

#include <string_view>

#include "base/status.h"

namespace dcp::catalog {

/// Nesting of one document. Schemas nest a few levels for each level of a struct; beyond this a
/// document is made to exhaust a stack (printing JSON recurses).
constexpr int kJsonDepthMax = 256;

/// INVALID_ARGUMENT when `text` nests deeper than kJsonDepthMax; says nothing else about it. [any]
Status CheckJsonDepth(std::string_view text);

}  // namespace dcp::catalog
