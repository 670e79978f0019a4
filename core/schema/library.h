// SPDX-License-Identifier: Apache-2.0
//
// The validating library behind one door, in texts; internal to the room.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace dcp::schema {

/// What of a schema a value failed.
enum class Keyword {
  kType,
  kEnum,
  kConst,
  kMultipleOf,
  kMaximum,
  kExclusiveMaximum,
  kMinimum,
  kExclusiveMinimum,
  kMaxLength,
  kMinLength,
  kPattern,
  kSecret,
  kMaxItems,
  kMinItems,
  kUniqueItems,
  kContains,
  kAdditionalItems,
  kMaxProperties,
  kMinProperties,
  kRequired,
  kDependencies,
  kAdditionalProperties,
  kAnyOf,
  kOneOf,
  kNot,
  kWithin,  ///< something further down, which has an entry of its own
  kOther,
};

struct Failure {
  std::string pointer;  ///< JSON pointer of the value
  Keyword keyword = Keyword::kOther;
  std::string name;  ///< of the key that is missing
};

/// Whether the library can make anything of it.
Status TryBuild(const std::string& compiled);
/// Every failure, in the order found: those within an anyOf or oneOf come before it. Texts at
/// `referenced` (JSON pointers) are not known yet. One of kOther at "" when the library gave up.
std::vector<Failure> Validate(const std::string& compiled, const std::string& config_json,
                              const std::set<std::string>& referenced);

/// A pattern's fault in words, empty when it is good.
std::string PatternTrouble(const std::string& pattern);

/// `pointer` with one more step.
std::string PointerTo(const std::string& pointer, const std::string& step);

}  // namespace dcp::schema
