// SPDX-License-Identifier: Apache-2.0
//
// Request targets: strict on the way in, plain on the way out. Namespace levels are joined by
// 0x1F, as the Iceberg REST protocol says.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp::catalog {

/// Levels of one namespace in a request. Deeper ones are nobody's, and every level is a row or a
/// folder.
constexpr size_t kNamespaceLevelsMax = 16;

struct Target {
  std::vector<std::string> segments;  ///< of the path, decoded
  std::map<std::string, std::string> query;
};

/// INVALID_ARGUMENT for broken escapes, NUL, empty segments and repeated query keys.
Result<Target> ParseTarget(std::string_view target);
/// Splits "a\x1Fb"; INVALID_ARGUMENT when a level is empty or there are too many.
Result<std::vector<std::string>> SplitNamespace(std::string_view joined);
/// Everything but letters, digits and "-._~" as %XX.
std::string EncodeSegment(std::string_view text);
std::string EncodeNamespace(const std::vector<std::string>& levels);

}  // namespace dcp::catalog
