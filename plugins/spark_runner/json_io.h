// SPDX-License-Identifier: Apache-2.0
//
// Reading the contract's messages in JSON form: absent and null fields read as their type's zero,
// 64-bit numbers may be text, enums are names or numbers, as protobuf's JSON mapping says.
#pragma once

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace dcp::spark_runner {

using Json = nlohmann::json;

inline const Json& Child(const Json& json, const char* key) {
  static const Json kNull;
  if (!json.is_object()) return kNull;
  const auto at = json.find(key);
  return at != json.end() ? *at : kNull;
}

inline std::string Text(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}

inline int64_t Int64(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  if (value.is_number_integer()) return value.get<int64_t>();
  int64_t number = 0;
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

inline bool Bool(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  return value.is_boolean() && value.get<bool>();
}

inline std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dcp::spark_runner
