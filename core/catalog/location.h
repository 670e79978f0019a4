// SPDX-License-Identifier: Apache-2.0
//
// Locations as clients spell them, and whether one lies under another. Pure functions: no file
// system is asked, so a link is not followed and nothing has to exist.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace dcp::catalog {

/// Some programs decode %41 in a location and some take it literally.
enum class Percent { kDecode, kKeep };

/// The one spelling of a location: "file:///a/b". Lower-case scheme (s3a and s3n are s3), one
/// slash between segments, "." and ".." resolved, no slash at the end. INVALID_ARGUMENT for what
/// is relative, has a query, fragment, NUL, control character or backslash, climbs above its root,
/// or is still encoded after decoding once.
Result<std::string> CanonicalLocation(std::string_view location, Percent percent);

/// Whether `location` is `root` or under it by whole segments, however it is spelled and whichever
/// way its percent signs are read. False when either cannot be understood.
bool IsWithin(std::string_view location, std::string_view root);

/// Whether both name the same place, whichever way their percent signs are read.
bool IsSameLocation(std::string_view a, std::string_view b);

/// The local path of a file: location.
Result<std::string> LocalPath(std::string_view location);

}  // namespace dcp::catalog
