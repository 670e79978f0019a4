// SPDX-License-Identifier: Apache-2.0
//
// See json_io.h.
#include "json_io.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <tuple>

namespace dcp::derived_dataset {

void Findings::Sort() {
  auto key = [](const Finding& f) { return std::tie(f.place.file, f.place.line, f.place.column); };
  std::stable_sort(list_.begin(), list_.end(), [&](const Finding& a, const Finding& b) {
    bool a_placed = !a.place.file.empty();
    bool b_placed = !b.place.file.empty();
    return a_placed != b_placed ? a_placed : key(a) < key(b);
  });
}

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string TextOf(const Json& object, const char* key) {
  const Json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t NumberOf(const Json& object, const char* key) {
  const Json& value = Member(object, key);
  if (value.is_number()) return value.get<int64_t>();
  int64_t number = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

bool FlagOf(const Json& object, const char* key, bool otherwise) {
  const Json& value = Member(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::optional<std::string> FromBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '-') {
      digit = 62;
    } else if (c == '/' || c == '_') {
      digit = 63;
    } else {
      return std::nullopt;
    }
    bits = (bits << 6) | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xFFU);
    }
  }
  return out;
}

Json ToJson(const Place& place) {
  Json json = Json::object();
  if (!place.file.empty()) json["file"] = place.file;
  if (place.line > 0) json["line"] = place.line;
  if (place.column > 0) json["column"] = place.column;
  return json;
}

Place PlaceFromJson(const Json& json) {
  return {TextOf(json, "file"), static_cast<int>(NumberOf(json, "line")),
          static_cast<int>(NumberOf(json, "column"))};
}

Json ToJson(const Finding& finding) {
  constexpr const char* kNames[] = {"ERROR", "WARNING", "INFO"};
  Json json = {{"severity", kNames[static_cast<int>(finding.severity)]},
               {"message", finding.message}};
  if (!finding.code.empty()) json["code"] = finding.code;
  if (!finding.hint.empty()) json["hint"] = finding.hint;
  if (!finding.place.file.empty()) json["location"] = ToJson(finding.place);
  if (!finding.engine_code.empty()) json["engineCode"] = finding.engine_code;
  if (!finding.sql_state.empty()) json["sqlState"] = finding.sql_state;
  return json;
}

Finding FindingFromJson(const Json& json) {
  std::string severity = TextOf(json, "severity");
  Finding finding;
  finding.severity = severity == "WARNING" ? Severity::kWarning
                     : severity == "INFO"  ? Severity::kInfo
                                           : Severity::kError;
  finding.code = TextOf(json, "code");
  finding.message = TextOf(json, "message");
  finding.hint = TextOf(json, "hint");
  finding.place = PlaceFromJson(Member(json, "location"));
  finding.engine_code = TextOf(json, "engineCode");
  finding.sql_state = TextOf(json, "sqlState");
  return finding;
}

Json ReportResponse(const std::string& kind, const std::string& status, Findings& findings,
                    Json body) {
  findings.Sort();
  Json list = Json::array();
  for (const Finding& finding : findings.list()) list.push_back(ToJson(finding));
  return {{"report",
           {{"kind", kind},
            {"status", status},
            {"findings", std::move(list)},
            {"body", std::move(body)}}}};
}

Json MakeNode(const std::string& id, const char* capability, const char* method, Json request,
              const std::string& title) {
  return {{"id", id},         {"capability", capability},
          {"method", method}, {"request", std::move(request)},
          {"title", title},   {"after", Json::array()}};
}

}  // namespace dcp::derived_dataset
