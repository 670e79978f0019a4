// SPDX-License-Identifier: Apache-2.0
//
// The SQL screen. Whatever passes is, by a reading of its own here, one parenthesised-as-a-whole
// query: it starts as one, never leaves the wrapper's parenthesis, and holds no second statement.
#include <algorithm>
#include <array>
#include <string>
#include <variant>

#include "fuzz.h"
#include "spark_sql/functions.h"
#include "spark_sql/lexer.h"
#include "spark_sql/positions.h"
#include "spark_sql/screen.h"

namespace {

namespace sc = dcp::spark_sql;

void CheckDenial(const sc::Denial& denial, std::string_view sql) {
  FUZZ_CHECK(denial.id.starts_with("PZ02") && denial.id.size() == 6);
  FUZZ_CHECK(!denial.message.empty());
  FUZZ_CHECK(denial.begin <= denial.end && denial.end <= sql.size());
  const sc::Span span = sc::SpanOfBytes(sql, denial.begin, denial.end);
  FUZZ_CHECK(span.begin.line >= 1 && span.begin.column >= 1);
}

void CheckTokens(const std::vector<sc::Token>& tokens, std::string_view sql) {
  size_t last = 0;
  for (const sc::Token& token : tokens) {
    FUZZ_CHECK(token.begin >= last && token.begin < token.end && token.end <= sql.size());
    last = token.end;
  }
}

// What Spark would see between the parentheses, told by characters alone: an automaton that shares
// no code with the lexer. Comments and quotes as in Spark; everything else counts.
struct Seen {
  long depth = 0;
  long lowest = 0;
  bool semicolon = false;
  bool open_ended = false;  // within a quote or bracketed comment at the end
  bool line_comment = false;
};

Seen Read(std::string_view s) {
  Seen seen;
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    const char next = i + 1 < s.size() ? s[i + 1] : '\0';
    seen.line_comment = false;
    if (c == '-' && next == '-') {
      while (i < s.size() && s[i] != '\n' && s[i] != '\r') {
        i += s[i] == '\\' && i + 1 < s.size() && s[i + 1] == '\n' ? 2 : 1;
      }
      seen.line_comment = i >= s.size();
    } else if (c == '*' && next == '/') {
      ++i;  // one token, of hints: its '/' begins no comment
    } else if (c == '/' && next == '*' && (i + 2 >= s.size() || s[i + 2] != '+')) {
      int open = 1;
      for (i += 2; i < s.size() && open > 0; ++i) {
        if (s[i] == '/' && i + 1 < s.size() && s[i + 1] == '*')
          ++open, ++i;
        else if (s[i] == '*' && i + 1 < s.size() && s[i + 1] == '/')
          --open, ++i;
      }
      --i;
      seen.open_ended = open > 0;
    } else if (c == '\'' || c == '"' || c == '`') {
      // Only r'...' directly is raw; what stands before the r was judged by the screen.
      const bool raw = c != '`' && i > 0 && (s[i - 1] == 'r' || s[i - 1] == 'R');
      for (++i; i < s.size() && s[i] != c; ++i) {
        if (c != '`' && !raw && s[i] == '\\') ++i;
      }
      seen.open_ended = i >= s.size();
    } else if (c == '(') {
      ++seen.depth;
    } else if (c == ')') {
      seen.lowest = std::min(seen.lowest, --seen.depth);
    } else if (c == ';') {
      seen.semicolon = true;
    }
  }
  return seen;
}

void CheckPassed(const sc::Screened& query, std::string_view sql) {
  FUZZ_CHECK(!query.sql.empty() && sql.starts_with(query.sql));
  const Seen seen = Read(query.sql);
  FUZZ_CHECK(seen.lowest >= 0 && seen.depth == 0);
  FUZZ_CHECK(!seen.semicolon && !seen.open_ended && !seen.line_comment);
  FUZZ_CHECK(query.sql.find("${") == std::string::npos);
  FUZZ_CHECK(query.sql.find('\0') == std::string::npos);

  const auto lexed = sc::Lex(query.sql);
  FUZZ_CHECK(std::holds_alternative<std::vector<sc::Token>>(lexed));
  const auto& tokens = std::get<std::vector<sc::Token>>(lexed);
  const auto first = std::find_if(tokens.begin(), tokens.end(),
                                  [](const sc::Token& token) { return token.text != "("; });
  FUZZ_CHECK(first != tokens.end() && first->kind == sc::TokenKind::kWord);
  const std::string word = sc::Lower(first->text);
  FUZZ_CHECK(word == "select" || word == "with" || word == "values" || word == "table" ||
             word == "from");
  FUZZ_CHECK(tokens.back().end == query.sql.size());
  for (size_t i = 0; i + 2 < tokens.size(); ++i) {
    const sc::Token& token = tokens[i];
    if (token.kind != sc::TokenKind::kWord && token.kind != sc::TokenKind::kQuoted) continue;
    if (tokens[i + 1].text != "(" || tokens[i + 1].kind != sc::TokenKind::kSymbol) continue;
    // A name and a text in parentheses: a call, and no alias with columns.
    if (tokens[i + 2].kind != sc::TokenKind::kString) continue;
    const sc::Function* function = sc::FindFunction(sc::Lower(token.text));
    FUZZ_CHECK(function == nullptr || function->judgement != sc::Judgement::kReaches);
    FUZZ_CHECK(function != nullptr || token.kind == sc::TokenKind::kWord ||
               sc::FindCatalogFunction(sc::Lower(token.text)) != nullptr);
  }

  // Screening what passed changes nothing: what was judged is what is sent.
  const sc::ScreenResult again = sc::Screen(query.sql);
  FUZZ_CHECK(!again.denial && again.query.sql == query.sql);
  FUZZ_CHECK(again.query.markers.size() == query.markers.size());
  // Wrapped, it is a query over one pair of parentheses that ends with the text.
  const std::string wrapped = sc::Wrap(query.sql);
  const Seen whole = Read(wrapped);
  FUZZ_CHECK(whole.depth == 0 && whole.lowest == 0 && !whole.open_ended && !whole.line_comment);
  FUZZ_CHECK(!sc::Screen(wrapped).denial || sc::Screen(wrapped).denial->id == "PZ0205" ||
             sc::Screen(wrapped).denial->id == "PZ0217" ||
             sc::Screen(wrapped).denial->id == "PZ0211");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view sql = dcp::fuzz::Text(data, size);
  const auto lexed = sc::Lex(sql);
  if (const auto* denial = std::get_if<sc::Denial>(&lexed)) {
    CheckDenial(*denial, sql);
  } else {
    CheckTokens(std::get<std::vector<sc::Token>>(lexed), sql);
  }
  const sc::ScreenResult result = sc::Screen(sql);
  if (result.denial) {
    CheckDenial(*result.denial, sql);
    return 0;
  }
  CheckPassed(result.query, sql);
  for (const sc::Denial& denial : sc::UndeclaredMarkers(result.query.markers, {"first_month"})) {
    CheckDenial(denial, sql);
  }
  // Engines answer with any indices: each is a place in the text or none.
  const auto index = static_cast<int64_t>(size) - 8;
  (void)sc::SpanOfIndices(sql, index, index + 3);
  (void)sc::SpanOfLine(sql, index, static_cast<int64_t>(size % 7));
  (void)sc::FindLinePos(sql);
  return 0;
}
