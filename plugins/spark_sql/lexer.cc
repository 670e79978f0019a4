// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/lexer.h"

#include <array>
#include <optional>
#include <utility>

namespace dcp::spark_sql {
namespace {

bool IsAsciiWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Spaces beyond ASCII that Spark's grammar skips, as UTF-8. A name must not seem longer than it is
// because one of them follows it.
constexpr std::array<std::string_view, 20> kWideSpaces = {
    "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87",
    "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
    "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF", "\xC2\x85"};

// Length of the space at the front of `rest`, or 0.
size_t SpaceLength(std::string_view rest) {
  const char c = rest.front();
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  for (std::string_view space : kWideSpaces) {
    if (rest.starts_with(space)) return space.size();
  }
  return 0;
}

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  std::variant<std::vector<Token>, Denial> Run() {
    if (auto denial = CheckBytes()) return *std::move(denial);
    while (at_ < sql_.size()) {
      if (auto denial = Step()) return *std::move(denial);
      if (tokens_.size() > kTokensMax) {
        return Deny("PZ0217", "the SQL is longer than " + std::to_string(kTokensMax) + " tokens",
                    "load generated values into a table, and join it", at_, at_);
      }
    }
    return std::move(tokens_);
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }
  std::string_view Rest() const { return sql_.substr(at_); }

  static Denial Deny(std::string id, std::string message, std::string hint, size_t begin,
                     size_t end) {
    return {std::move(id), std::move(message), std::move(hint), begin, end};
  }

  void Push(TokenKind kind, size_t begin, std::string text) {
    tokens_.push_back({kind, begin, at_, std::move(text)});
  }

  // Rules on bytes, wherever they stand: Spark would substitute `${` even within comments.
  std::optional<Denial> CheckBytes() const {
    if (const size_t nul = sql_.find('\0'); nul != std::string_view::npos) {
      return Deny("PZ0207", "the SQL holds a NUL character",
                  "save the file as UTF-8 text without NUL characters", nul, nul + 1);
    }
    if (const size_t var = sql_.find("${"); var != std::string_view::npos) {
      return Deny("PZ0206", "'${' starts a variable, which is pasted into the text unchecked",
                  "use a typed parameter: declare it in the manifest and write :name", var,
                  var + 2);
    }
    return std::nullopt;
  }

  std::optional<Denial> Step() {
    if (const size_t space = SpaceLength(Rest()); space != 0) {
      at_ += space;
      return std::nullopt;
    }
    const char c = Peek();
    if (c == '-' && Peek(1) == '-') return LineComment();
    if (c == '/' && Peek(1) == '*' && Peek(2) != '+') return BlockComment();
    if (c == '`') return QuotedName();
    if (c == '\'' || c == '"') return String(at_, c, /*raw=*/false);
    if ((c == 'r' || c == 'R') && (Peek(1) == '\'' || Peek(1) == '"')) {
      const size_t begin = at_++;
      return String(begin, Peek(), /*raw=*/true);
    }
    if (IsAsciiWord(c) || static_cast<unsigned char>(c) >= 0x80) return Word();
    if (c == '$') {
      return Deny("PZ0208", "'$' outside quotes", "put text into '…' and names into `…`", at_,
                  at_ + 1);
    }
    return Symbol();
  }

  // Up to the end of the line; a backslash before the line feed takes the next line in, as in
  // Spark.
  std::optional<Denial> LineComment() {
    while (at_ < sql_.size() && Peek() != '\n' && Peek() != '\r') {
      at_ += Peek() == '\\' && Peek(1) == '\n' ? 2 : 1;
    }
    return std::nullopt;
  }

  std::optional<Denial> BlockComment() {
    const size_t begin = at_;
    size_t depth = 0;
    while (at_ < sql_.size()) {
      if (Peek() == '/' && Peek(1) == '*') {
        // Spark does not nest a hint; readers disagree about what follows, so nobody gets to guess.
        if (Peek(2) == '+') {
          return Deny("PZ0209", "a hint '/*+' within a comment", "remove the '+'", at_, at_ + 3);
        }
        if (++depth > kCommentDepthMax) {
          return Deny("PZ0209",
                      "comments are nested deeper than " + std::to_string(kCommentDepthMax),
                      "remove the inner comments", begin, begin + 2);
        }
        at_ += 2;
      } else if (Peek() == '*' && Peek(1) == '/') {
        at_ += 2;
        if (--depth == 0) return std::nullopt;
      } else {
        ++at_;
      }
    }
    return Deny("PZ0204", "this comment is never closed", "add '*/' where it ends", begin,
                begin + 2);
  }

  std::optional<Denial> QuotedName() {
    const size_t begin = at_++;
    std::string name;
    while (at_ < sql_.size()) {
      if (Peek() != '`') {
        name += sql_[at_++];
      } else if (Peek(1) == '`') {
        name += '`';
        at_ += 2;
      } else {
        ++at_;
        Push(TokenKind::kQuoted, begin, std::move(name));
        return std::nullopt;
      }
    }
    return Deny("PZ0204", "this quoted name is never closed", "add '`' where it ends", begin,
                begin + 1);
  }

  // at_ stands on the opening quote. A doubled quote reads as two adjacent strings, which covers
  // the same text.
  std::optional<Denial> String(size_t begin, char quote, bool raw) {
    ++at_;
    while (at_ < sql_.size() && Peek() != quote) {
      at_ += !raw && Peek() == '\\' ? 2 : 1;
    }
    if (at_ >= sql_.size()) {
      at_ = sql_.size();
      return Deny("PZ0204", "this string is never closed",
                  std::string("add ") + quote + " where it ends", begin, begin + 1);
    }
    ++at_;
    Push(TokenKind::kString, begin, std::string(sql_.substr(begin, at_ - begin)));
    return std::nullopt;
  }

  std::optional<Denial> Word() {
    const size_t begin = at_;
    while (at_ < sql_.size() &&
           (IsAsciiWord(Peek()) || static_cast<unsigned char>(Peek()) >= 0x80)) {
      if (SpaceLength(Rest()) != 0) break;
      ++at_;
    }
    const std::string_view word = sql_.substr(begin, at_ - begin);
    // Spark looks for keywords in upper case, and these two are letters of it there: with a dotless
    // i, "identifier" would be a keyword that no rule here knows.
    for (const std::string_view letter : {"\xC4\xB1", "\xC5\xBF"}) {
      if (word.find(letter) == std::string_view::npos) continue;
      return Deny("PZ0208",
                  "'" + std::string(letter) + "' outside quotes: Spark takes it for " +
                      (letter == "\xC4\xB1" ? "an I" : "an S"),
                  "write i or s, or put the name into `…`", begin, at_);
    }
    // "1.e5r'…'": a number and a raw string to Spark, a word and a plain string to others.
    if ((Peek() == '\'' || Peek() == '"') && (word.back() == 'r' || word.back() == 'R')) {
      return Deny("PZ0208", "a quote directly after '" + std::string(word) + "' is ambiguous",
                  "put a space between them", begin, at_ + 1);
    }
    Push(TokenKind::kWord, begin, std::string(word));
    return std::nullopt;
  }

  std::optional<Denial> Symbol() {
    const size_t begin = at_;
    const std::string_view rest = Rest();
    // Spark reads name://path as one name, with any '--' in it.
    if (rest.starts_with("://")) {
      return Deny("PZ0211", "a path outside quotes", "read tables by name: catalog.namespace.table",
                  begin, begin + 3);
    }
    if (rest.starts_with("/*+")) {
      at_ += 3;
    } else if (rest.starts_with("*/") || rest.starts_with("::")) {
      at_ += 2;
    } else {
      ++at_;
      if (rest.front() == ':' && IsParameterColon(begin)) {
        const size_t name = at_;
        while (at_ < sql_.size() && IsAsciiWord(Peek())) ++at_;
        Push(TokenKind::kParameter, begin, std::string(sql_.substr(name, at_ - name)));
        return std::nullopt;
      }
    }
    Push(TokenKind::kSymbol, begin, std::string(sql_.substr(begin, at_ - begin)));
    return std::nullopt;
  }

  // :name, and neither the colon of STRUCT<a: INT> nor that of a path into a variant (v:field).
  bool IsParameterColon(size_t colon) const {
    if (!IsAsciiWord(Peek())) return false;
    if (tokens_.empty()) return true;
    const Token& before = tokens_.back();
    if (before.end != colon) return !InStructType();
    return before.kind == TokenKind::kSymbol && before.text != ")" && before.text != "]";
  }

  // Whether the last tokens open a STRUCT< that is not closed yet.
  bool InStructType() const {
    constexpr size_t kLookBack = 400;  // tokens; a longer type than that is not written by hand
    int open = 0;
    for (size_t i = tokens_.size(); i > 0 && tokens_.size() - i < kLookBack; --i) {
      const Token& token = tokens_[i - 1];
      if (token.kind == TokenKind::kString || token.kind == TokenKind::kParameter) return false;
      if (token.text == ">") --open;
      if (token.text == "<" && ++open > 0) {
        return i >= 2 && Lower(tokens_[i - 2].text) == "struct";
      }
    }
    return false;
  }

  std::string_view sql_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::variant<std::vector<Token>, Denial> Lex(std::string_view sql) { return Lexer(sql).Run(); }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace dcp::spark_sql
