// SPDX-License-Identifier: Apache-2.0
//
// The YAML reader: any bytes give documents or problems, each with a place in the text; limits
// hold, and an exact source map points at the very text it promises.
#include <dcp/sdk/yaml.h>

#include <string>

#include "fuzz.h"

namespace {

namespace yaml = dcp::sdk::yaml;

// Small, so that the fuzzer reaches them.
yaml::Limits SmallLimits() {
  yaml::Limits limits;
  limits.bytes = 64 << 10;
  limits.depth = 16;
  limits.nodes = 2'000;
  limits.documents = 20;
  return limits;
}

// Nodes with aliases expanded: what a program that walks the tree would visit.
size_t CountNodes(const yaml::Node& node, int depth) {
  FUZZ_CHECK(depth <= SmallLimits().depth);
  size_t count = 1;
  for (const yaml::NodePtr& item : node.items) count += CountNodes(*item, depth + 1);
  for (const yaml::Entry& entry : node.entries) {
    FUZZ_CHECK(entry.value != nullptr);
    FUZZ_CHECK(entry.key_at.line >= 1 && entry.key_at.column >= 1);
    count += CountNodes(*entry.value, depth + 1);
  }
  return count;
}

void CheckScalar(const yaml::Node& node, const yaml::detail::Lines& lines) {
  yaml::Problems ignored;
  FUZZ_CHECK(yaml::AsInt(node, "x", ignored).has_value() == (node.kind == yaml::Kind::kInt) ||
             node.kind == yaml::Kind::kInt);
  (void)yaml::AsBool(node, "x", ignored);
  (void)yaml::AsText(node, "x", ignored);
  if (!node.source.exact || node.text.empty()) return;
  // The first line of an exact scalar stands in the file where the map says.
  const yaml::Position at = node.source.Of({1, 1});
  const std::string first = node.text.substr(0, node.text.find('\n'));
  if (first.empty()) return;
  const std::string_view line = lines.Line(static_cast<size_t>(at.line - 1));
  size_t offset = 0;
  for (int column = 1; column < at.column && offset < line.size(); ++column) {
    offset += yaml::detail::Utf8Length(line, offset);
  }
  FUZZ_CHECK(line.substr(std::min(offset, line.size())).starts_with(first));
}

void Walk(const yaml::Node& node, const yaml::detail::Lines& lines) {
  FUZZ_CHECK(node.at.line >= 1 && node.at.column >= 1);
  const bool scalar = node.kind != yaml::Kind::kList && node.kind != yaml::Kind::kMap;
  if (scalar && node.kind != yaml::Kind::kNull) CheckScalar(node, lines);
  for (const yaml::NodePtr& item : node.items) Walk(*item, lines);
  for (const yaml::Entry& entry : node.entries) Walk(*entry.value, lines);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = dcp::fuzz::Text(data, size);
  const yaml::Limits limits = SmallLimits();
  yaml::Problems problems;
  const auto documents = yaml::Parse(text, problems, limits);
  FUZZ_CHECK(documents.size() <= limits.documents);
  FUZZ_CHECK(problems.list().size() <= limits.problems);
  for (const yaml::Problem& problem : problems.list()) {
    FUZZ_CHECK(problem.line >= 1 && problem.column >= 1);
    FUZZ_CHECK(!problem.message.empty());
  }
  yaml::Problems unused;
  const auto lines = yaml::detail::Clean(text, unused, limits);
  FUZZ_CHECK(documents.empty() || lines.has_value());
  for (const yaml::NodePtr& document : documents) {
    FUZZ_CHECK(CountNodes(*document, 0) <= limits.nodes);
    Walk(*document, *lines);
    yaml::Problems more;
    yaml::Fields fields(*document, "", more);
    (void)fields.NeedText("apiVersion");
    (void)fields.Get("spec");
    fields.Close();
  }
  return 0;
}
