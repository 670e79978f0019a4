// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "spark_sql/lexer.h"

namespace dcp::spark_sql {

// The files of the same names, built in (dcp_embed_text).
std::string_view FunctionsFile();
std::string_view OptionsFile();
std::string_view KeywordsFile();

namespace {

// Lines of a file that say something.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && line.front() != '#') lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The fields of a line; missing ones are empty.
template <size_t N>
std::array<std::string_view, N> Fields(std::string_view line) {
  std::array<std::string_view, N> fields;
  for (std::string_view& field : fields) {
    const size_t end = std::min(line.find('\t'), line.size());
    field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

// A word that is not known denies.
Judgement ReadJudgement(std::string_view word) {
  if (word == "pure") return Judgement::kPure;
  if (word == "arguments") return Judgement::kArguments;
  if (word == "context") return Judgement::kContext;
  return Judgement::kReaches;
}

FunctionPlace ReadPlace(std::string_view word) {
  if (word == "expression") return FunctionPlace::kExpression;
  if (word == "table") return FunctionPlace::kTable;
  if (word == "both") return FunctionPlace::kBoth;
  if (word == "grammar") return FunctionPlace::kGrammar;
  if (word == "catalog") return FunctionPlace::kCatalog;
  return FunctionPlace::kElsewhere;
}

// "type=2,options=3:json"
void ReadChecks(std::string_view checks, Function* out) {
  while (!checks.empty()) {
    const size_t end = std::min(checks.find(','), checks.size());
    std::string_view check = checks.substr(0, end);
    checks.remove_prefix(std::min(end + 1, checks.size()));
    const size_t equals = check.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view kind = check.substr(0, equals);
    check.remove_prefix(equals + 1);
    size_t at = 0;
    const auto read = std::from_chars(check.data(), check.data() + check.size(), at);
    if (kind == "type") out->type_at = at;
    if (kind != "options") continue;
    out->options_at = at;
    const auto colon = static_cast<size_t>(read.ptr - check.data());
    out->family = check.substr(std::min(colon + 1, check.size()));
  }
}

struct Tables {
  std::vector<Function> functions;
  std::vector<Option> options;
  std::unordered_map<std::string_view, size_t> by_name;     // into functions, those of Spark
  std::unordered_map<std::string_view, size_t> of_catalog;  // into functions
  std::unordered_map<std::string, size_t> by_key;           // into options: "family key"
  std::unordered_set<std::string> keywords;                 // in lower case

  Tables() {
    for (const std::string_view line : Lines(FunctionsFile())) {
      const auto [name, place, judgement, checks, why] = Fields<5>(line);
      Function function;
      function.name = name;
      function.place = ReadPlace(place);
      function.judgement = ReadJudgement(judgement);
      function.why = why;
      ReadChecks(checks, &function);
      auto& index = function.place == FunctionPlace::kCatalog ? of_catalog : by_name;
      index.emplace(name, functions.size());
      functions.push_back(function);
    }
    for (const std::string_view line : Lines(OptionsFile())) {
      const auto [family, key, judgement, why] = Fields<4>(line);
      by_key.emplace(std::string(family) + " " + Lower(key), options.size());
      options.push_back({family, key, ReadJudgement(judgement), why});
    }
    for (const std::string_view line : Lines(KeywordsFile())) keywords.insert(Lower(line));
  }
};

const Tables& All() {
  static const Tables tables;
  return tables;
}

}  // namespace

const std::vector<Function>& Functions() { return All().functions; }
const std::vector<Option>& Options() { return All().options; }

const Function* FindFunction(std::string_view name) {
  const auto found = All().by_name.find(name);
  return found == All().by_name.end() ? nullptr : &All().functions[found->second];
}

const Function* FindCatalogFunction(std::string_view name) {
  const auto found = All().of_catalog.find(name);
  return found == All().of_catalog.end() ? nullptr : &All().functions[found->second];
}

const Option* FindOption(std::string_view family, std::string_view key) {
  const auto found = All().by_key.find(std::string(family) + " " + Lower(key));
  return found == All().by_key.end() ? nullptr : &All().options[found->second];
}

bool IsKeyword(std::string_view word) { return All().keywords.count(std::string(word)) != 0; }

std::vector<std::string> CallableNames() {
  std::vector<std::string> names;
  for (const Function& function : Functions()) {
    const char first = function.name.front();
    if (function.judgement == Judgement::kReaches || function.place == FunctionPlace::kCatalog) {
      continue;
    }
    if (first >= 'a' && first <= 'z') names.emplace_back(function.name);
  }
  return names;
}

std::vector<std::string> OptionKeys(std::string_view family) {
  std::vector<std::string> keys;
  for (const Option& option : Options()) {
    if (option.family == family && option.judgement != Judgement::kReaches) {
      keys.emplace_back(option.key);
    }
  }
  return keys;
}

}  // namespace dcp::spark_sql
