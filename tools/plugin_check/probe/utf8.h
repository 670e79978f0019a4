// SPDX-License-Identifier: Apache-2.0
//
// Whether bytes are text.
#pragma once

#include <string>
#include <string_view>

namespace dcp::plugin_check {

/// Well-formed UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF. [any]
bool IsUtf8(std::string_view text);
/// For a terminal or a report: what is no visible ASCII stands as \xNN. [any]
std::string Printable(std::string_view bytes);

}  // namespace dcp::plugin_check
