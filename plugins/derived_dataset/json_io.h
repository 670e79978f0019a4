// SPDX-License-Identifier: Apache-2.0
//
// The contract's JSON: reading what may be absent, and findings and reports as the host expects
// them. int64 is text in JSON's mapping of protobuf, so both forms are read.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "finding.h"

namespace dcp::derived_dataset {

using Json = nlohmann::json;

/// The member, or a null value when `object` has none.
const Json& Member(const Json& object, const char* key);
std::string TextOf(const Json& object, const char* key);
int64_t NumberOf(const Json& object, const char* key);
bool FlagOf(const Json& object, const char* key, bool otherwise = false);

/// What a `bytes` field holds; nothing when it is not base64.
std::optional<std::string> FromBase64(std::string_view text);

Json ToJson(const Place& place);
Place PlaceFromJson(const Json& json);
Json ToJson(const Finding& finding);
Finding FindingFromJson(const Json& json);

/// A contract Report as the `report` member of a response.
Json ReportResponse(const std::string& kind, const std::string& status, Findings& findings,
                    Json body);

/// A node of a graph; `after` may be filled later.
Json MakeNode(const std::string& id, const char* capability, const char* method, Json request,
              const std::string& title);

}  // namespace dcp::derived_dataset
