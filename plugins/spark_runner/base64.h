// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648), the form of `bytes` in protobuf's JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dcp::spark_runner {

std::string EncodeBase64(std::string_view bytes);
/// Takes both alphabets, with or without padding, as protobuf's JSON mapping asks of readers.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace dcp::spark_runner
