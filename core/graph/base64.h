// SPDX-License-Identifier: Apache-2.0
//
// Base64, as protobuf's JSON form writes bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dcp::graph {

std::string EncodeBase64(std::string_view bytes);
/// Takes the plain and the URL-safe alphabet, with or without padding; nothing for anything else.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace dcp::graph
