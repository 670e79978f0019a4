// SPDX-License-Identifier: Apache-2.0
//
// Splits SQL text into tokens exactly as Spark's lexer does where it matters for safety: what is
// comment, string, quoted name or text. Standard library only; takes any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dcp::spark_sql {

/// Tokens of one statement. A derived dataset that needs more is generated, and Spark's parser
/// would spend minutes on it, in a thread that all tenants share.
constexpr size_t kTokensMax = 200'000;
/// Comments in comments: bounds what an attacker can make Spark's recursive lexer do.
constexpr size_t kCommentDepthMax = 32;

enum class TokenKind {
  kWord,       ///< identifier, keyword or number: a run of letters, digits, '_' and non-ASCII
  kQuoted,     ///< `name`; text is the name without quotes
  kString,     ///< '…', "…", r'…', r"…"; text is the raw token
  kParameter,  ///< :name; text is the name
  kSymbol,     ///< everything else, one character, or "::" "/*+" "*/"
};

struct Token {
  TokenKind kind = TokenKind::kSymbol;
  size_t begin = 0;  ///< byte offsets in the text
  size_t end = 0;
  std::string text;
};

/// Why text is refused: the same shape for the lexer and for the rules.
struct Denial {
  std::string id;  ///< "PZ02xx"
  std::string message;
  std::string hint;
  size_t begin = 0;  ///< byte offsets of the offending token
  size_t end = 0;
};

/// The tokens of `sql`, or the first thing that cannot be read. [any]
std::variant<std::vector<Token>, Denial> Lex(std::string_view sql);

/// ASCII lower case; other bytes stay.
std::string Lower(std::string_view text);

}  // namespace dcp::spark_sql
