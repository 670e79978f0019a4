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
#include "catalog/names.h"

namespace dcp::catalog {

struct Target {
  std::vector<std::string> segments;  ///< of the path, decoded
  std::map<std::string, std::string> query;
};

/// INVALID_ARGUMENT for broken escapes, NUL, empty segments and repeated query keys.
Result<Target> ParseTarget(std::string_view target);
/// Splits "a\x1Fb"; INVALID_ARGUMENT as CheckLevels says.
Result<Levels> SplitNamespace(std::string_view joined);
/// Strict: every escape is whole and none makes NUL. A plus is a space, as Java's clients write it.
Result<std::string> DecodeText(std::string_view text);
/// Everything but letters, digits and "-._~" as %XX.
std::string EncodeSegment(std::string_view text);
std::string EncodeNamespace(const std::vector<std::string>& levels);

}  // namespace dcp::catalog
