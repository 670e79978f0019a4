// SPDX-License-Identifier: Apache-2.0
//
// What a Reader and its Sections share: the YAML tree, the mistakes found, and the keys asked for.
// Private to the room: it is the one header that shows the YAML tree.
#pragma once

#include <dcp/sdk/yaml.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/reader.h"

namespace dcp::config {

namespace yaml = dcp::sdk::yaml;
using JsonValue = nlohmann::json;

struct Section::State {
  std::string file;
  Resolver resolver;
  yaml::NodePtr document;
  std::vector<Status> mistakes;
  std::map<const yaml::Node*, std::pair<std::string, std::set<std::string, std::less<>>>> asked;

  static const yaml::Node* Of(const void* node) { return static_cast<const yaml::Node*>(node); }

  void Add(yaml::Position at, std::string message, std::string hint) {
    Status status = InvalidArgument(std::move(message)).At({file, at.line, at.column});
    mistakes.push_back(hint.empty() ? status : std::move(status).WithHint(std::move(hint)));
  }
  void Take(const yaml::Problems& problems) {
    for (const yaml::Problem& p : problems.list()) Add({p.line, p.column}, p.message, p.hint);
  }
  /// The entry of a key, remembered as known.
  const yaml::Entry* Ask(const Section& section, std::string_view key) {
    const yaml::Node* node = Of(section.node_);
    if (node == nullptr) return nullptr;
    auto& known = asked[node];
    known.first = section.path_;
    known.second.emplace(key);
    return node->Find(key);
  }
  /// As Ask, where a key without a value, or an absent required one, is a mistake.
  const yaml::Node* Value(const Section& section, std::string_view key, bool required);
  /// Text with its references replaced, but for those that are late; nothing after a mistake.
  std::optional<std::string> Resolve(const yaml::Node& node, const Late& late = nullptr);
  static bool HasReference(const yaml::Node& node) {
    return node.text.find("${") != std::string::npos;
  }

  std::optional<std::string> TextOf(const yaml::Node& node, const std::string& path) {
    yaml::Problems problems;
    std::optional<std::string> text = yaml::AsText(node, path, problems);
    Take(problems);
    return text ? Resolve(node) : std::nullopt;
  }
  /// A value with a unit, or one that a reference gave: its text whatever its kind.
  std::optional<std::string> ScalarOf(const yaml::Node& node) {
    if (node.kind == yaml::Kind::kList || node.kind == yaml::Kind::kMap) return std::nullopt;
    return node.kind == yaml::Kind::kText ? Resolve(node) : std::optional(node.text);
  }
  /// References resolved; nothing after a mistake.
  std::optional<JsonValue> JsonOf(const yaml::Node& node, const std::string& path,
                                  const Late& late = nullptr);
};

}  // namespace dcp::config
