// SPDX-License-Identifier: Apache-2.0
//
// See table_spec.h.
#include "table_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

namespace dcp::derived_dataset {
namespace {

namespace yaml = sdk::yaml;

constexpr size_t kPartitionFieldsMax = 16;  // more is no partitioning
constexpr size_t kTransformBytesMax = 200;  // std::regex recurses over its input
constexpr size_t kPropertiesMax = 100;
constexpr int kWidthMax = 1'000'000;  // buckets, or characters kept by truncate

/// "days( ds )" -> "day(ds)". An empty `text` tells that it is none of the transforms.
struct Transform {
  std::string text;
  std::string column;
};

Transform ParseTransform(const std::string& text) {
  static const std::regex kIdentity("([A-Za-z_][A-Za-z0-9_]*)");
  static const std::regex kTime(
      "(year|month|day|hour)s?\\s*\\(\\s*([A-Za-z_][A-Za-z0-9_]*)\\s*\\)");
  static const std::regex kWidth(
      "(bucket|truncate)\\s*\\(\\s*([0-9]{1,7})\\s*,\\s*([A-Za-z_][A-Za-z0-9_]*)\\s*\\)");
  std::smatch match;
  if (text.size() > kTransformBytesMax) return {};
  if (std::regex_match(text, match, kIdentity)) return {match[1], match[1]};
  if (std::regex_match(text, match, kTime))
    return {match[1].str() + "(" + match[2].str() + ")", match[2]};
  if (std::regex_match(text, match, kWidth)) {
    int width = 0;
    std::string digits = match[2];
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), width);
    if (width < 1 || width > kWidthMax) return {};
    return {match[1].str() + "(" + std::to_string(width) + ", " + match[3].str() + ")", match[3]};
  }
  return {};
}

void ReadPartitioning(const yaml::Node& list, const std::string& path, Manifest& manifest,
                      Findings& findings, yaml::Problems& problems) {
  if (list.kind != yaml::Kind::kList) {
    problems.Add(list.at, "`spec.table.partitioning` must be a list, found " + yaml::Describe(list),
                 "for example [month(day), carrier]");
    return;
  }
  for (const yaml::NodePtr& item : list.items) {
    Place place{path, item->at.line, item->at.column};
    std::optional<std::string> text = yaml::AsText(*item, "spec.table.partitioning[]", problems);
    if (!text) continue;
    Transform transform = ParseTransform(*text);
    if (transform.text.empty()) {
      findings.Error(
          kTable, place, "`" + *text + "` is no partition transform",
          "a column, or year(c), month(c), day(c), hour(c), bucket(n, c), truncate(n, c)");
      continue;
    }
    std::vector<std::string> names;
    for (const ColumnSpec& column : manifest.columns) names.push_back(column.name);
    bool known = std::find(names.begin(), names.end(), transform.column) != names.end();
    if (manifest.columns_declared && !known) {
      std::string near = yaml::Nearest(transform.column, names);
      findings.Error(
          kTable, place, "partitioned by `" + transform.column + "`, which is no declared column",
          near.empty() ? "declare it under spec.schema.columns" : "did you mean `" + near + "`?");
      continue;
    }
    manifest.partitioning.push_back(transform.text);
  }
}

void ReadProperties(const yaml::Node& map, const std::string& path, Manifest& manifest,
                    Findings& findings, yaml::Problems& problems) {
  yaml::Fields fields(map, "spec.table.properties", problems);
  if (map.entries.size() > kPropertiesMax) {
    findings.Error(kTable, {path, map.at.line, map.at.column},
                   "more than " + std::to_string(kPropertiesMax) + " table properties");
    return;
  }
  for (const yaml::Entry& entry : map.entries) {
    const yaml::Node* value = fields.Get(entry.key);
    Place place{path, entry.key_at.line, entry.key_at.column};
    const std::string& key = entry.key;
    bool is_path = key == "location" || (key.starts_with("write.") && key.ends_with(".path"));
    if (is_path) {
      findings.Error(kTable, place,
                     "the property `" + key + "` would place files outside the playground",
                     "remove it: Pretzel chooses where a playground's tables live");
    } else if (key.empty() || key == "provider" || key == "format-version" ||
               key.starts_with("pretzel.")) {
      findings.Error(kTable, place, "the property `" + key + "` cannot be set", "remove it");
    } else if (value != nullptr) {
      if (auto text = yaml::AsText(*value, fields.Path(key), problems))
        manifest.properties[key] = *text;
    }
  }
}

}  // namespace

void ReadTable(yaml::Fields& spec, const std::string& path, Manifest& manifest,
               Findings& findings) {
  const yaml::Node* node = spec.Get("table");
  if (node == nullptr) return;
  yaml::Problems& problems = spec.problems();
  yaml::Fields fields(*node, "spec.table", problems);
  const yaml::Node* format = fields.Get("format");
  if (format != nullptr) {
    std::optional<std::string> text = yaml::AsText(*format, "spec.table.format", problems);
    if (text && *text != "iceberg") {
      findings.Error(kTable, {path, format->at.line, format->at.column},
                     "unknown table format `" + *text + "`", "only iceberg is supported");
    }
  }
  if (const yaml::Node* list = fields.Get("partitioning")) {
    ReadPartitioning(*list, path, manifest, findings, problems);
  }
  if (const yaml::Node* map = fields.Get("properties")) {
    ReadProperties(*map, path, manifest, findings, problems);
  }
  fields.Unsupported("sortOrder", "remove it; sort inside the query where order matters");
  fields.Close();
}

}  // namespace dcp::derived_dataset
