// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/nesting.h"

#include <algorithm>
#include <array>
#include <string>

#include "spark_sql/screen.h"

namespace dcp::spark_sql {
namespace {

constexpr std::array<std::string_view, 3> kNestingTypes = {"array", "map", "struct"};
constexpr std::string_view kPrefixes = "+-~!";
constexpr std::string_view kOperators = "+-*/%|&^<>=!:~";
constexpr std::array<std::string_view, 9> kOperatorWords = {
    "div", "like", "ilike", "rlike", "regexp", "is", "in", "between", "collate"};
constexpr std::array<std::string_view, 6> kChainWords = {"union", "intersect", "except",
                                                         "minus", "join",      "lateral"};
/// Another expression begins.
constexpr std::array<std::string_view, 14> kBreaks = {"select", "from", "where", "group",  "having",
                                                      "order",  "and",  "or",    "when",   "then",
                                                      "else",   "on",   "as",    "qualify"};

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

class Nesting {
 public:
  Nesting(const std::vector<Token>& tokens, size_t count) : tokens_(tokens), count_(count) {}

  std::optional<Denial> Judge() {
    for (size_t i = 0; i < count_; ++i) {
      const Token& token = tokens_[i];
      const bool symbol = token.kind == TokenKind::kSymbol;
      const std::string word = token.kind == TokenKind::kWord ? Lower(token.text) : std::string();
      const bool part = i > 0 && tokens_[i - 1].text == ".";  // of a name
      if (symbol) {
        Symbol(i, token.text);
      } else if (!part && !word.empty()) {
        Word(word);
      }
      const bool prefix =
          (symbol && kPrefixes.find(token.text) != kPrefixes.npos) || (!part && word == "not");
      prefixes_ = prefix ? prefixes_ + 1 : 0;
      dots_ = symbol && token.text == "." ? dots_ + 1 : part ? dots_ : 0;
      if (auto denial = TooDeep(token)) return denial;
    }
    return std::nullopt;
  }

 private:
  struct Level {
    size_t operators = 0;
    size_t chain = 0;
  };

  void Symbol(size_t i, const std::string& text) {
    Level& level = levels_.back();
    if (text == "(" || text == "[") {
      if (text == "[") ++level.operators;  // a[1][2] is read as (a[1])[2]
      levels_.emplace_back();
    } else if (text == ")" || text == "]") {
      if (levels_.size() > 1) levels_.pop_back();
    } else if (text == ",") {
      level.operators = 0;
    } else if (text == "<" && i > 0 && tokens_[i - 1].kind == TokenKind::kWord &&
               Has(kNestingTypes, Lower(tokens_[i - 1].text))) {
      ++types_;
    } else if (text == ">" && types_ > 0) {
      --types_;
    } else if (text == "::" || kOperators.find(text) != kOperators.npos) {
      ++level.operators;
    }
  }

  void Word(const std::string& word) {
    Level& level = levels_.back();
    if (word == "case") ++cases_;
    if (word == "end" && cases_ > 0) --cases_;
    if (Has(kOperatorWords, word)) ++level.operators;
    if (Has(kChainWords, word)) ++level.chain;
    if (Has(kBreaks, word)) level.operators = 0;
  }

  std::optional<Denial> TooDeep(const Token& token) const {
    const Level& level = levels_.back();
    const auto deny = [&](const std::string& what, size_t limit, const std::string& hint) {
      return Denial{"PZ0205", what + std::to_string(limit), hint, token.begin, token.end};
    };
    if (levels_.size() > kParenDepthMax + 1) {
      return deny("parentheses and brackets are nested deeper than ", kParenDepthMax,
                  "split the query with WITH");
    }
    if (types_ > kTypeDepthMax) {
      return deny("a type is nested deeper than ", kTypeDepthMax,
                  "keep what is below as text, or split the column");
    }
    if (cases_ > kCaseDepthMax) {
      return deny("CASE is nested deeper than ", kCaseDepthMax,
                  "write further WHEN branches of one CASE, or split the query with WITH");
    }
    if (prefixes_ > kPrefixesMax) {
      return deny("more operators stand in front of one value than ", kPrefixesMax,
                  "they cancel each other: remove them");
    }
    if (level.operators > kChainMax || dots_ > kChainMax) {
      return deny("an expression has more operators in a row than ", kChainMax,
                  "put parts of it into parentheses, or split it with WITH");
    }
    if (level.chain > kChainMax) {
      return deny("a query has more joins or set operations in a row than ", kChainMax,
                  "put the rows into a table, and read that");
    }
    return std::nullopt;
  }

  const std::vector<Token>& tokens_;
  const size_t count_;
  std::vector<Level> levels_{1};
  size_t types_ = 0;
  size_t cases_ = 0;
  size_t prefixes_ = 0;
  size_t dots_ = 0;
};

}  // namespace

std::optional<Denial> JudgeNesting(const std::vector<Token>& tokens, size_t count) {
  return Nesting(tokens, count).Judge();
}

size_t DepthOfText(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  for (const char c : text) {
    if (c == '<' || c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if ((c == '>' || c == '}' || c == ']') && depth > 0) --depth;
  }
  return deepest;
}

}  // namespace dcp::spark_sql
