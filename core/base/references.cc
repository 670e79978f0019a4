// SPDX-License-Identifier: Apache-2.0
#include "base/references.h"

#include <algorithm>

namespace dcp {

Result<std::vector<TextPart>> SplitReferences(std::string_view text) {
  std::vector<TextPart> parts;
  const auto add = [&](std::string_view literal) {
    if (parts.empty() || parts.back().is_reference) parts.push_back({});
    parts.back().text += literal;
  };
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i, 3) == "$${") {
      add("${");
      i += 3;
    } else if (text.substr(i, 2) == "${") {
      const size_t end = text.find('}', i);
      if (end == std::string_view::npos) {
        return InvalidArgument("`${` without its `}`")
            .WithHint("write `$${` for the two characters themselves");
      }
      parts.push_back({true, std::string(text.substr(i + 2, end - i - 2))});
      i = end + 1;
    } else {
      add(text.substr(i++, 1));
    }
  }
  return parts;
}

bool HasReference(std::string_view text) {
  const auto parts = SplitReferences(text);
  return parts.ok() && std::any_of(parts->begin(), parts->end(),
                                   [](const TextPart& part) { return part.is_reference; });
}

std::string QuoteReferences(std::string_view literal) {
  std::string text;
  for (size_t i = 0; i < literal.size(); ++i) {
    if (literal.substr(i, 2) == "${") text += '$';
    text += literal[i];
  }
  return text;
}

}  // namespace dcp
