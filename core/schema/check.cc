// SPDX-License-Identifier: Apache-2.0
//
// Holds a configuration against a schema: tells references from texts, asks the library, explains.
#include <nlohmann/json.hpp>
#include <set>

#include "base/references.h"
#include "schema/explain.h"
#include "schema/library.h"
#include "schema/schema.h"
#include "schema/walk.h"

namespace dcp::schema {
namespace {

/// Texts as they are meant; where references stand for texts is noted.
void Read(OrderedJson& value, const std::string& pointer, std::set<std::string>& referenced) {
  if (value.is_string()) {
    const auto parts = SplitReferences(value.get_ref<const std::string&>());
    std::string text;
    bool known = parts.ok();
    for (const TextPart& part : parts.value_or({})) {
      known = known && !part.is_reference;
      text += part.text;
    }
    if (known) {
      value = text;
    } else if (parts.ok()) {
      referenced.insert(pointer);
    }
  } else if (value.is_object()) {
    for (auto& [key, part] : value.items()) Read(part, PointerTo(pointer, key), referenced);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      Read(value[i], PointerTo(pointer, std::to_string(i)), referenced);
    }
  }
}

}  // namespace

std::vector<Mistake> Check(const std::string& compiled, const std::string& config_json) {
  OrderedJson config = OrderedJson::parse(config_json, nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) return {{"", "", false, "is not JSON", ""}};
  std::set<std::string> referenced;
  Read(config, "", referenced);
  const std::string text = config.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  return Explain(compiled, text, Validate(compiled, text, referenced), referenced);
}

}  // namespace dcp::schema
