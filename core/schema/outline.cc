// SPDX-License-Identifier: Apache-2.0
#include "schema/outline.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "schema/schema.h"
#include "schema/walk.h"

namespace dcp::schema {
namespace {

constexpr size_t kTextWidth = 76;  // of a description, so that it fits a terminal with its indent

/// Tables are read by people: what a plugin's file says must not drive their terminal.
std::string Line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < ' ' || byte == 0x7F ? ' ' : c;
  }
  return line;
}

std::string TextOf(const OrderedJson& value) {
  return Line(value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

std::string TypeOf(const OrderedJson& schema) {
  static const std::map<std::string, std::string> names = {{"string", "text"},
                                                           {"number", "number"},
                                                           {"integer", "whole number"},
                                                           {"boolean", "true or false"},
                                                           {"object", "map"},
                                                           {"array", "list"},
                                                           {"null", "null"}};
  const auto found = schema.find("type");
  if (found == schema.end()) return "";
  std::string text;
  for (const OrderedJson& type : found->is_array() ? *found : OrderedJson::array({*found})) {
    const auto name = type.is_string() ? names.find(type.get<std::string>()) : names.end();
    if (name != names.end()) text += (text.empty() ? "" : " or ") + name->second;
  }
  return text;
}

std::vector<std::string> BoundsOf(const OrderedJson& schema) {
  static const std::vector<std::pair<const char*, std::pair<const char*, const char*>>> words = {
      {"minimum", {">= ", ""}},
      {"exclusiveMinimum", {"> ", ""}},
      {"maximum", {"<= ", ""}},
      {"exclusiveMaximum", {"< ", ""}},
      {"multipleOf", {"a multiple of ", ""}},
      {"minLength", {"at least ", " characters"}},
      {"maxLength", {"at most ", " characters"}},
      {"pattern", {"matches ", ""}},
      {"minItems", {"at least ", " items"}},
      {"maxItems", {"at most ", " items"}},
      {"minProperties", {"at least ", " keys"}},
      {"maxProperties", {"at most ", " keys"}},
  };
  std::vector<std::string> bounds;
  for (const auto& [keyword, around] : words) {
    const auto found = schema.find(keyword);
    if (found == schema.end()) continue;
    const std::string value = found->is_string() ? Line(found->get<std::string>()) : TextOf(*found);
    bounds.push_back(around.first + value + around.second);
  }
  if (schema.value("uniqueItems", OrderedJson(false)) == true) bounds.emplace_back("no item twice");
  const auto format = schema.find("format");
  if (format != schema.end() && format->is_string() && *format != "secret") {
    bounds.push_back("in the form " + Line(format->get<std::string>()));
  }
  return bounds;
}

Key KeyOf(const std::string& path, const OrderedJson& schema, bool required) {
  Key key;
  key.path = Line(path);
  key.required = required;
  if (!schema.is_object()) return key;
  key.type = TypeOf(schema);
  key.secret = IsSecret(schema);
  if (schema.contains("default")) key.fallback = TextOf(schema["default"]);
  if (schema.contains("const")) key.allowed.push_back(TextOf(schema["const"]));
  for (const OrderedJson& value : schema.value("enum", OrderedJson::array())) {
    key.allowed.push_back(TextOf(value));
  }
  for (const OrderedJson& value : schema.value("examples", OrderedJson::array())) {
    key.examples.push_back(TextOf(value));
  }
  key.bounds = BoundsOf(schema);
  const auto description = schema.find("description");
  const auto words = description == schema.end() ? schema.find("title") : description;
  if (words != schema.end() && words->is_string())
    key.description = Line(words->get<std::string>());
  return key;
}

bool Requires(const OrderedJson& schema, const std::string& name) {
  const auto required = schema.find("required");
  return required != schema.end() && required->is_array() &&
         std::find(required->begin(), required->end(), OrderedJson(name)) != required->end();
}

/// The keys below `schema`; `above` already ends in what joins a key to it.
void AddKeys(const OrderedJson& schema, const std::string& above, int depth,
             std::vector<Key>& keys) {
  if (!schema.is_object() || depth > kSchemaDepthMax) return;
  const auto descend = [&](const std::string& path, const OrderedJson& part, bool required) {
    keys.push_back(KeyOf(path, part, required));
    AddKeys(part, path + ".", depth + 1, keys);
  };
  const OrderedJson properties = schema.value("properties", OrderedJson::object());
  for (const auto& [name, part] : properties.items()) {
    descend(above + name, part, Requires(schema, name));
  }
  const auto others = schema.find("additionalProperties");
  if (others != schema.end() && others->is_object()) descend(above + "*", *others, false);
  const auto items = schema.find("items");
  if (items == schema.end()) return;
  const std::string list = above.substr(0, above.empty() ? 0 : above.size() - 1);
  if (items->is_object()) {
    descend(list + "[]", *items, false);
  } else if (items->is_array()) {
    for (size_t i = 0; i < items->size(); ++i) {
      descend(list + "[" + std::to_string(i) + "]", (*items)[i], false);
    }
  }
}

std::string Wrapped(const std::string& text, const std::string& indent) {
  std::istringstream words(text);
  std::string out;
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > kTextWidth) {
      out += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + indent + line + "\n";
}

std::string Joined(const std::vector<std::string>& list, const char* separator) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : separator) + item;
  return text;
}

std::string KeyText(const Key& key) {
  std::vector<std::string> facts;
  if (!key.type.empty()) facts.push_back(key.type);
  if (key.required) facts.emplace_back("required");
  if (key.secret) facts.emplace_back("a reference such as ${secret.NAME}");
  if (!key.fallback.empty()) facts.push_back("default " + key.fallback);
  if (!key.allowed.empty()) facts.push_back("one of " + Joined(key.allowed, ", "));
  facts.insert(facts.end(), key.bounds.begin(), key.bounds.end());
  std::string text = "  " + key.path + (facts.empty() ? "" : ": " + Joined(facts, ", ")) + "\n";
  text += Wrapped(key.description, "      ");
  if (!key.examples.empty()) text += Wrapped("examples: " + Joined(key.examples, ", "), "      ");
  return text;
}

/// JSON is YAML, so a value may stand as it is.
std::string Placeholder(const OrderedJson& schema, const std::string& name, bool given) {
  if (!schema.is_object()) return "";
  if (IsSecret(schema)) return "${secret." + name + "}";
  if (!given && schema.contains("default")) return TextOf(schema["default"]);
  const auto examples = schema.find("examples");
  if (examples != schema.end() && !examples->empty()) return TextOf(examples->front());
  for (const char* keyword : {"default", "const"}) {
    if (schema.contains(keyword)) return TextOf(schema[keyword]);
  }
  const auto choices = schema.find("enum");
  if (choices != schema.end() && !choices->empty()) return TextOf(choices->front());
  const std::string type = TypeOf(schema);
  if (type == "text") return "\"...\"";
  if (type == "list") return "[]";
  if (type == "true or false") return "false";
  const auto minimum = schema.find("minimum");
  if (type == "number" || type == "whole number") {
    return minimum == schema.end() ? "0" : TextOf(*minimum);
  }
  return "{}";
}

/// A YAML key: as it is where it is a plain word.
std::string KeyWord(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
  return plain && !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) != 0
             ? name
             : OrderedJson(name).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

void AddLines(const OrderedJson& schema, const OrderedJson& example, const std::string& indent,
              int depth, std::string& text) {
  const OrderedJson properties = schema.value("properties", OrderedJson::object());
  for (const auto& [name, part] : properties.items()) {
    const bool given = Requires(schema, name) || example.contains(name);
    const bool map = part.is_object() && part.contains("properties") && depth < kSchemaDepthMax;
    const std::string key = indent + KeyWord(name) + ":";
    if (given && map && !example.contains(name)) {
      text += key + "\n";
      AddLines(part, OrderedJson::object(), indent + "  ", depth + 1, text);
      continue;
    }
    const std::string value = example.contains(name) && !IsSecret(part)
                                  ? TextOf(example[name])
                                  : Placeholder(part, name, given);
    text += given ? key + " " + value + "\n"
                  : indent + "# " + KeyWord(name) + ": " + (map ? "{...}" : value) + "\n";
  }
}

}  // namespace

std::vector<Key> Keys(const std::string& compiled) {
  std::vector<Key> keys;
  const OrderedJson schema = OrderedJson::parse(compiled, nullptr, /*allow_exceptions=*/false);
  if (!schema.is_discarded()) AddKeys(schema, "", 1, keys);
  return keys;
}

std::string Snippet(const std::string& plugin, const std::string& compiled) {
  std::string text =
      "plugins:\n  instances:\n    - id: " + plugin + "\n      plugin: " + plugin + "\n";
  const OrderedJson schema = OrderedJson::parse(compiled, nullptr, /*allow_exceptions=*/false);
  if (!schema.is_object()) return text;
  OrderedJson example = OrderedJson::object();
  const auto examples = schema.find("examples");
  if (examples != schema.end() && examples->is_array() && !examples->empty() &&
      examples->front().is_object()) {
    example = examples->front();
  }
  std::string lines;
  AddLines(schema, example, "        ", 1, lines);
  if (lines.empty()) return text;
  // A map of comments alone would be nothing.
  std::istringstream each(lines);
  bool filled = false;
  for (std::string line; std::getline(each, line);) {
    filled = filled || line[line.find_first_not_of(' ')] != '#';
  }
  return text + (filled ? "      config:\n" : "      config: {}\n") + lines;
}

std::string Outline(const std::string& plugin, const std::string& version,
                    const std::string& compiled) {
  std::string text = "plugin " + plugin + " " + version + "\n";
  const OrderedJson schema = OrderedJson::parse(compiled, nullptr, /*allow_exceptions=*/false);
  if (!schema.is_object()) {
    return text +
           "\nIt publishes no schema of its configuration: its author's pages describe it.\n";
  }
  if (schema.contains("description") && schema["description"].is_string()) {
    text += "\n" + Wrapped(Line(schema["description"].get<std::string>()), "");
  }
  const std::vector<Key> keys = Keys(compiled);
  text += keys.empty() ? "\nIts configuration has no keys.\n" : "\nKeys of `config`:\n\n";
  for (const Key& key : keys) text += KeyText(key);
  const bool closed = schema.value("additionalProperties", OrderedJson(true)) == false;
  if (!closed) text += "\nOther keys are let pass.\n";
  return text + "\nFor dcpd.yaml:\n\n" + Snippet(plugin, compiled);
}

}  // namespace dcp::schema
