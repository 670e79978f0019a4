// SPDX-License-Identifier: Apache-2.0
#include "graph/status_json.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace dcp::graph {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int32_t Number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int32_t>() : 0;
}

}  // namespace

std::string StatusToJson(const Status& status) {
  if (status.ok()) return "";
  json object = {{"code", CodeName(status.code())},
                 {"id", status.id()},
                 {"message", status.message()},
                 {"hint", status.hint()}};
  if (status.location().Known()) {
    object["location"] = {{"file", status.location().file},
                          {"line", status.location().line},
                          {"column", status.location().column}};
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Status StatusFromJson(const std::string& text) {
  if (text.empty()) return Status::Ok();
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return Internal("a stored failure cannot be read");
  Code code = CodeFromName(Text(object, "code"));
  if (code == Code::kOk) code = Code::kUnknown;
  Location location;
  if (const auto place = object.find("location"); place != object.end() && place->is_object()) {
    location = {Text(*place, "file"), Number(*place, "line"), Number(*place, "column")};
  }
  return Status(code, Text(object, "message"))
      .WithId(Text(object, "id"))
      .WithHint(Text(object, "hint"))
      .At(std::move(location));
}

}  // namespace dcp::graph
