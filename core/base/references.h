// SPDX-License-Identifier: Apache-2.0
//
// Texts with references: `${name}` stands for a value, `$${` for the two characters `${`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dcp {

/// A literal piece of a text as it is meant ("${" where "$${" was written), or a reference's name.
struct TextPart {
  bool is_reference = false;
  std::string text;
};

/// INVALID_ARGUMENT for a `${` without its `}`.
Result<std::vector<TextPart>> SplitReferences(std::string_view text);
bool HasReference(std::string_view text);
/// The text that reads as `literal` again.
std::string QuoteReferences(std::string_view literal);

}  // namespace dcp
