// SPDX-License-Identifier: Apache-2.0
//
// References and JSON; see reader_state.h.
#include "config/reader_state.h"

#include <charconv>

#include "base/references.h"

namespace dcp::config {

const yaml::Node* Section::State::Value(const Section& section, std::string_view key,
                                        bool required) {
  const yaml::Entry* entry = Ask(section, key);
  if (entry == nullptr) {
    if (required) {
      Location at = section.At(key);
      Add({at.line, at.column}, "`" + section.Path(key) + "` is missing", "");
    }
    return nullptr;
  }
  if (entry->value->kind != yaml::Kind::kNull) return entry->value.get();
  Add(entry->key_at, "`" + section.Path(key) + "` has no value", "give it one or remove the key");
  return nullptr;
}

std::optional<std::string> Section::State::Resolve(const yaml::Node& node, const Late& late) {
  const Result<std::vector<TextPart>> parts = SplitReferences(node.text);
  if (!parts.ok()) {
    Add(node.at, parts.status().message(), parts.status().hint());
    return std::nullopt;
  }
  std::string out;
  std::string
      literal;  // since the last late reference: quoted as one, for two pieces may make `${`
  for (const TextPart& part : *parts) {
    if (!part.is_reference) {
      literal += part.text;
      continue;
    }
    const Result<std::string> value =
        resolver ? resolver(part.text) : NotFound("there are no references in this file");
    if (!value.ok()) {
      Add(node.at, "cannot resolve `${" + part.text + "}`: " + value.status().message(),
          value.status().hint());
      return std::nullopt;
    }
    if (!late || !late(part.text)) {
      literal += *value;
      continue;
    }
    if (!literal.empty() && literal.back() == '$') {
      Add(node.at, "a `$` just before `${" + part.text + "}` cannot be told from an escape",
          "put the `$` into the secret");
      return std::nullopt;
    }
    out += QuoteReferences(literal) + "${" + part.text + "}";
    literal.clear();
  }
  return late ? out + QuoteReferences(literal) : literal;
}

std::optional<JsonValue> Section::State::JsonOf(const yaml::Node& node, const std::string& path,
                                                const Late& late) {
  yaml::Problems problems;
  switch (node.kind) {
    case yaml::Kind::kNull:
      return JsonValue();
    case yaml::Kind::kBool:
      return JsonValue(*yaml::AsBool(node, path, problems));
    case yaml::Kind::kInt: {
      std::optional<int64_t> value = yaml::AsInt(node, path, problems);
      Take(problems);
      return value ? std::optional(JsonValue(*value)) : std::nullopt;
    }
    case yaml::Kind::kFloat: {
      double value = 0;
      const char* end = node.text.data() + node.text.size();
      const char* begin = node.text.data() + (node.text[0] == '+' ? 1 : 0);
      if (std::from_chars(begin, end, value).ptr == end) return JsonValue(value);
      Add(node.at, "`" + path + "`: JSON has no number " + node.text, "quote it if it is text");
      return std::nullopt;
    }
    case yaml::Kind::kText: {
      std::optional<std::string> text = Resolve(node, late);
      return text ? std::optional(JsonValue(*text)) : std::nullopt;
    }
    case yaml::Kind::kList: {
      JsonValue list = JsonValue::array();
      for (const yaml::NodePtr& item : node.items) {
        if (auto value = JsonOf(*item, path + "[]", late)) list.push_back(std::move(*value));
      }
      return list;
    }
    case yaml::Kind::kMap: {
      JsonValue map = JsonValue::object();
      for (const yaml::Entry& entry : node.entries) {
        if (auto value = JsonOf(*entry.value, path + "." + entry.key, late))
          map[entry.key] = std::move(*value);
      }
      return map;
    }
  }
  return std::nullopt;
}

}  // namespace dcp::config
