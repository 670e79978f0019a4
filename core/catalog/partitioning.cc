// SPDX-License-Identifier: Apache-2.0
//
// Partition transforms, parsed and printed.
#include "catalog/partitioning.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace dcp::catalog {
namespace {

/// Iceberg reads the argument as a Java int.
constexpr size_t kArgumentDigitsMax = 9;

std::string Trim(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string Unquote(std::string name) {
  if (name.size() >= 2 && name.front() == '`' && name.back() == '`') {
    return name.substr(1, name.size() - 2);
  }
  return name;
}

Status Fail(std::string_view text, const std::string& why) {
  return InvalidArgument("the partition field \"" + std::string(text.substr(0, 200)) + "\" " + why);
}

/// "months" -> "month"; "" for what is no transform.
std::string TransformName(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word == "date") return "day";  // Spark reads date(c) and date_hour(c) as these
  if (word == "date_hour") return "hour";
  for (const char* plural : {"years", "months", "days", "hours"}) {
    if (word == plural) word.pop_back();
  }
  for (const char* known : {"identity", "year", "month", "day", "hour", "bucket", "truncate"}) {
    if (word == known) return word;
  }
  return "";
}

/// "bucket[16]" -> "bucket" and "16".
std::pair<std::string, std::string> SplitTransform(const std::string& transform) {
  const size_t bracket = transform.find('[');
  if (bracket == std::string::npos) return {transform, ""};
  return {transform.substr(0, bracket),
          transform.substr(bracket + 1, transform.size() - bracket - 2)};
}

bool OneOf(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string PartitionField::FieldName() const {
  const std::string name = SplitTransform(transform).first;
  if (name == "identity") return column;
  return column + "_" + (name == "truncate" ? "trunc" : name);
}

std::string PartitionField::ToString() const {
  const auto [name, argument] = SplitTransform(transform);
  if (name == "identity") return column;
  return name + "(" + (argument.empty() ? "" : argument + ", ") + column + ")";
}

Result<PartitionField> ParsePartitionField(std::string_view text) {
  const std::string trimmed = Trim(text);
  const size_t open = trimmed.find('(');
  if (open == std::string::npos) {
    if (trimmed.empty()) return Fail(text, "is empty");
    return PartitionField{Unquote(trimmed), "identity"};
  }
  const std::string transform = TransformName(Trim(trimmed.substr(0, open)));
  if (transform.empty()) {
    return Fail(text, "has an unknown transform; use year, month, day, hour, bucket or truncate");
  }
  if (trimmed.back() != ')') return Fail(text, "misses its closing parenthesis");
  std::vector<std::string> arguments;
  std::string_view inside = std::string_view(trimmed).substr(open + 1);
  inside.remove_suffix(1);
  for (size_t start = 0; start <= inside.size();) {
    const size_t end = std::min(inside.find(',', start), inside.size());
    arguments.push_back(Trim(inside.substr(start, end - start)));
    start = end + 1;
  }
  const bool counted = transform == "bucket" || transform == "truncate";
  if (arguments.size() != (counted ? 2U : 1U) || arguments.back().empty()) {
    return Fail(text, counted ? "wants a number and a column: " + transform + "(16, column)"
                              : "wants one column: " + transform + "(column)");
  }
  if (!counted) return PartitionField{Unquote(arguments[0]), transform};
  const std::string& number = arguments[0];
  if (number.empty() || number.size() > kArgumentDigitsMax || number[0] == '0' ||
      !std::all_of(number.begin(), number.end(),
                   [](unsigned char c) { return std::isdigit(c) != 0; })) {
    return Fail(text, "wants a positive number before the column");
  }
  return PartitionField{Unquote(arguments[1]), transform + "[" + number + "]"};
}

Status CheckPartitionType(const PartitionField& field, const Type& type) {
  const std::string name = SplitTransform(field.transform).first;
  const std::string kind =
      type.primitive.substr(0, std::min(type.primitive.find('('), type.primitive.size()));
  bool fits = type.kind == Type::Kind::kPrimitive;
  if (OneOf(name, {"year", "month", "day"})) {
    fits = fits && OneOf(kind, {"date", "timestamp", "timestamptz"});
  } else if (name == "hour") {
    fits = fits && OneOf(kind, {"timestamp", "timestamptz"});
  } else if (name == "truncate") {
    fits = fits && OneOf(kind, {"int", "long", "decimal", "string", "binary"});
  } else if (name == "bucket") {
    fits = fits && !OneOf(kind, {"boolean", "float", "double"});
  }
  if (fits) return Status::Ok();
  return Fail(field.ToString(),
              "does not fit column \"" + field.column + "\" of type " + SparkDdl(type));
}

}  // namespace dcp::catalog
