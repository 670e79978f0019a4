// SPDX-License-Identifier: Apache-2.0
//
// The depth of a JSON text, without parsing it.
#include "catalog/json_text.h"

#include <string>

namespace dcp::catalog {

Status CheckJsonDepth(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kJsonDepthMax) {
        return InvalidArgument("the JSON nests deeper than " + std::to_string(kJsonDepthMax) +
                               " levels");
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return Status::Ok();
}

}  // namespace dcp::catalog
