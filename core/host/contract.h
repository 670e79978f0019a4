// SPDX-License-Identifier: Apache-2.0
//
// The contract's messages by name: every request and response that crosses the plugin ABI is
// checked against them, and written in the encoding the plugin declared. Callers see JSON only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/manifest.h"

namespace dcp::host {

/// Longest part of an unreadable error that is quoted.
constexpr size_t kErrorQuoteBytesMax = 200;

class Contract {
 public:
  /// UNIMPLEMENTED, naming what there is, when the contract has no such method.
  static Status Check(std::string_view capability, std::string_view method);

  /// A request from JSON to what the plugin reads. INTERNAL names the field at fault: requests are
  /// made by this program or by a plugin's graph, never by a person.
  static Result<std::string> EncodeRequest(std::string_view capability, std::string_view method,
                                           const std::string& json, Encoding encoding);
  /// A plugin's response as canonical JSON (camelCase, default values left out). INTERNAL when it
  /// is not the contract's message.
  static Result<std::string> DecodeResponse(std::string_view capability, std::string_view method,
                                            const std::string& body, Encoding encoding);
  /// A plugin's failure. `who` is said where the plugin gave no words of its own.
  static Status DecodeError(Code code, const std::string& body, Encoding encoding,
                            std::string_view who);
};

}  // namespace dcp::host
