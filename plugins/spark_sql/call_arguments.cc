// SPDX-License-Identifier: Apache-2.0
//
// Arguments whose text decides what is read: types and options.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "spark_sql/calls.h"
#include "spark_sql/nesting.h"
#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

// Their answer is a type, whatever the data.
constexpr std::array<std::string_view, 3> kTypeFunctions = {"schema_of_json", "schema_of_csv",
                                                            "schema_of_xml"};

Denial DenyAt(const Token& token, std::string id, std::string message, std::string hint) {
  return {std::move(id), std::move(message), std::move(hint), token.begin, token.end};
}

Denial TooDeep(const Function& function, const Token& text) {
  return DenyAt(text, "PZ0205",
                "the type that '" + std::string(function.name) +
                    "' is given is nested deeper than " + std::to_string(kTypeDepthMax),
                "keep what is below as text");
}

}  // namespace

std::optional<Denial> Calls::CheckArguments(const Function& function, size_t open) const {
  const std::vector<Argument> arguments = Arguments(open);
  if (std::find(kTypeFunctions.begin(), kTypeFunctions.end(), function.name) !=
      kTypeFunctions.end()) {
    for (size_t k = open + 1; k < match_[open]; ++k) {
      if (tokens_[k].kind != TokenKind::kString) continue;
      if (DepthOfText(tokens_[k].text) > kTypeDepthMax) return TooDeep(function, tokens_[k]);
    }
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const size_t begin = arguments[i].begin;
    for (size_t k = begin; k < arguments[i].end; ++k) {
      if (Is(k, "(")) k = match_[k];
      // The comma of x::MAP<a, b> is none between arguments.
      if (!Is(k, "::")) continue;
      return DenyAt(tokens_[k], "PZ0224",
                    "an argument of '" + std::string(function.name) + "' holds a '::'",
                    "write CAST(... AS ...) instead");
    }
    if (IsName(begin) && Is(begin + 1, "=") && Is(begin + 2, ">")) {
      return DenyAt(tokens_[begin], "PZ0224",
                    "'" + std::string(function.name) + "' takes no named arguments",
                    "write its arguments in their order");
    }
    std::optional<Denial> denial;
    if (i + 1 == function.type_at) denial = CheckType(function, arguments[i]);
    if (i + 1 == function.options_at) denial = CheckOptions(function, arguments[i]);
    if (denial) return denial;
  }
  return std::nullopt;
}

// The text of a type may be JSON as well, and JSON may name a Java class (a "udt") which is then
// loaded: so the text must be seen as it is.
std::optional<Denial> Calls::CheckType(const Function& function, const Argument& argument) const {
  const Token& first = tokens_[argument.begin];
  if (argument.begin < argument.end && first.kind == TokenKind::kWord &&
      std::find(kTypeFunctions.begin(), kTypeFunctions.end(), Lower(first.text)) !=
          kTypeFunctions.end() &&
      Is(argument.begin + 1, "(") && match_[argument.begin + 1] + 1 == argument.end) {
    return std::nullopt;
  }
  // One piece, in which a quote may stand twice: pieces apart and raw ones (r'') would hide a word
  // that is put together from two.
  bool literal = argument.begin < argument.end;
  std::string text;
  for (size_t i = argument.begin; i < argument.end; ++i) {
    const Token& piece = tokens_[i];
    literal = literal && piece.kind == TokenKind::kString &&
              (piece.text.front() == '\'' || piece.text.front() == '"') &&
              piece.text.front() == first.text.front() &&
              (i == argument.begin || piece.begin == tokens_[i - 1].end);
    text += Lower(piece.text);
  }
  // A quote that is written twice is one, or nothing, by a setting of Spark's.
  std::erase_if(text, [](char c) { return c == '\'' || c == '"'; });
  if (!literal || text.find('\\') != std::string::npos) {
    return DenyAt(
        first, "PZ0224",
        "the type that '" + std::string(function.name) + "' is given is not one plain text",
        "write it as text without backslashes, 'a INT, b STRING', or as "
        "schema_of_json('...')");
  }
  if (DepthOfText(text) > kTypeDepthMax) return TooDeep(function, first);
  if (text.find("udt") != std::string::npos && text.find('{') != std::string::npos) {
    return DenyAt(first, "PZ0224", "a type in JSON with the word 'udt' loads a Java class",
                  "write the type as DDL: 'a INT, b STRING'");
  }
  return std::nullopt;
}

// map('key', 'value', ...): every key in plain sight, and each of them judged.
std::optional<Denial> Calls::CheckOptions(const Function& function,
                                          const Argument& argument) const {
  const Denial opaque =
      DenyAt(tokens_[argument.begin], "PZ0224",
             "the options of '" + std::string(function.name) + "' are not plain texts",
             "write map('key', 'value', ...) with plain texts");
  if (!IsWord(argument.begin, "map") || !Is(argument.begin + 1, "(") ||
      match_[argument.begin + 1] + 1 != argument.end) {
    return opaque;
  }
  const std::vector<Argument> parts = Arguments(argument.begin + 1);
  for (size_t i = 0; i < parts.size(); ++i) {
    const Argument& part = parts[i];
    if (part.begin == part.end) return parts.size() == 1 ? std::nullopt : std::optional(opaque);
    const Token& token = tokens_[part.begin];
    const bool text = token.kind == TokenKind::kString;
    if (i % 2 == 1) {
      const bool all =
          std::all_of(tokens_.begin() + static_cast<std::ptrdiff_t>(part.begin),
                      tokens_.begin() + static_cast<std::ptrdiff_t>(part.end),
                      [](const Token& each) { return each.kind == TokenKind::kString; });
      const bool bound = token.kind == TokenKind::kParameter && part.end == part.begin + 1;
      if (!all && !bound) return opaque;
      continue;
    }
    const bool raw = text && token.text.front() != '\'' && token.text.front() != '"';
    if (!text || raw || part.end != part.begin + 1 || token.text.find('\\') != std::string::npos) {
      return opaque;
    }
    const std::string key = token.text.substr(1, token.text.size() - 2);
    const Option* option = FindOption(function.family, key);
    if (option == nullptr) {
      const std::string nearest = Nearest(key, OptionKeys(function.family));
      return DenyAt(token, "PZ0224",
                    "'" + std::string(function.name) + "' has no option '" + key + "'",
                    nearest.empty() ? "remove it" : "did you mean '" + nearest + "'?");
    }
    if (option->judgement == Judgement::kReaches) {
      return DenyAt(token, "PZ0224", "the option '" + key + "' " + std::string(option->why),
                    "remove it; it cannot be allowed");
    }
  }
  return std::nullopt;
}

}  // namespace dcp::spark_sql
