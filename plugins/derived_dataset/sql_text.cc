// SPDX-License-Identifier: Apache-2.0
//
// See sql_text.h. Spark's rules: backslash escapes in '' and "" strings unless they are r'raw';
// `` doubles in backquotes; bracketed comments nest, and a hint (slash, star, plus) is none; a line
// comment ends at either line end; `::` casts.
#include "sql_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "finding.h"

namespace dcp::derived_dataset {
namespace {

enum class TokenKind { kWord, kQuotedName, kString, kNumber, kParam, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kSymbol;
  std::string text;  ///< of a name without its quotes
  size_t at = 0;
};

bool IsWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsWord(char c) { return IsWordStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Spaces beyond ASCII that Spark's grammar skips, as UTF-8: a statement must not look like another
// one because of them.
constexpr std::array<std::string_view, 20> kWideSpaces = {
    "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87",
    "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
    "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF", "\xC2\x85"};

/// Length of the space at the front of `rest`, which is not empty, or 0.
size_t SpaceLength(std::string_view rest) {
  if (std::isspace(static_cast<unsigned char>(rest.front())) != 0) return 1;
  for (std::string_view space : kWideSpaces) {
    if (rest.starts_with(space)) return space.size();
  }
  return 0;
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  SqlScan Run() {
    size_t substitution = text_.find("${");
    if (substitution != std::string_view::npos) {
      Issue(kSqlSubstitution, substitution,
            "`${` would let the session's settings change the query",
            "declare a parameter under spec.params and write :name");
    }
    bool whole = Tokenize();
    scan_.query = std::string(text_);
    if (whole) {
      CheckParentheses();
      CheckStatement();
    }
    CollectNames();
    return std::move(scan_);
  }

 private:
  /// Goes on from the place asked last: a text of a megabyte may hold as many parameters.
  sdk::yaml::Position At(size_t offset) {
    if (offset < last_offset_) {
      last_offset_ = 0;
      last_ = {1, 1};
    }
    for (; last_offset_ < offset && last_offset_ < text_.size(); ++last_offset_) {
      const auto byte = static_cast<unsigned char>(text_[last_offset_]);
      if (byte == '\n') {
        last_ = {last_.line + 1, 1};
      } else if ((byte & 0xC0U) != 0x80) {
        ++last_.column;
      }
    }
    return last_;
  }
  void Issue(const char* code, size_t offset, std::string message, std::string hint = {}) {
    scan_.issues.push_back({code, std::move(message), std::move(hint), At(offset)});
  }
  char Peek(size_t offset) const {
    return at_ + offset < text_.size() ? text_[at_ + offset] : '\0';
  }
  void Push(TokenKind kind, size_t begin, std::string text) {
    tokens_.push_back({kind, std::move(text), begin});
  }

  /// False when something is not terminated.
  bool Tokenize() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (const size_t space = SpaceLength(text_.substr(at_)); space != 0) {
        at_ += space;
      } else if (c == '-' && Peek(1) == '-') {
        LineComment();
      } else if (c == '/' && Peek(1) == '*' && Peek(2) != '+') {
        if (!Comment()) return false;
      } else if (c == '\'' || c == '"') {
        if (!String(c, false)) return false;
      } else if ((c == 'r' || c == 'R') && (Peek(1) == '\'' || Peek(1) == '"')) {
        ++at_;
        if (!String(text_[at_], true)) return false;
      } else if (c == '`') {
        if (!QuotedName()) return false;
      } else {
        Plain(c);
      }
    }
    return true;
  }
  void Plain(char c) {
    size_t begin = at_;
    if (IsWordStart(c)) {
      while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
      Push(TokenKind::kWord, begin, std::string(text_.substr(begin, at_ - begin)));
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
      Push(TokenKind::kNumber, begin, std::string(text_.substr(begin, at_ - begin)));
    } else if (c == ':' && Peek(1) == ':') {
      at_ += 2;
      Push(TokenKind::kSymbol, begin, "::");
    } else if (c == ':' && IsWordStart(Peek(1)) && !IsPath()) {
      ++at_;
      while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
      Push(TokenKind::kParam, begin, std::string(text_.substr(begin + 1, at_ - begin - 1)));
      scan_.params.push_back({tokens_.back().text, At(begin)});
    } else {
      ++at_;
      Push(TokenKind::kSymbol, begin, std::string(1, c));
    }
  }
  /// The colon of `STRUCT<a:INT>`, or of a path into a variant (`v:field`): nothing stands between
  /// it and what it belongs to. As the test backend's screen has it.
  bool IsPath() const {
    if (at_ == 0) return false;
    const char before = text_[at_ - 1];
    return IsWord(before) || before == '`' || before == '\'' || before == '"' || before == ')' ||
           before == ']';
  }
  /// A backslash before the line feed takes the next line in.
  void LineComment() {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
      at_ += text_[at_] == '\\' && Peek(1) == '\n' ? 2 : 1;
    }
    at_ = std::min(at_, text_.size());
  }
  bool Comment() {
    size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      if (text_[at_] == '/' && Peek(1) == '*' && Peek(2) == '+') {
        Issue(kSqlUnterminated, at_, "a hint `/*+` within a comment hides where the comment ends",
              "remove the `+`");
        return false;
      }
      if (text_[at_] == '/' && Peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (text_[at_] == '*' && Peek(1) == '/') {
        at_ += 2;
        if (--depth == 0) return true;
      } else {
        ++at_;
      }
    }
    Issue(kSqlUnterminated, begin, "the comment that begins here is never closed",
          "close it with */");
    return false;
  }
  bool String(char quote, bool raw) {
    size_t begin = at_++;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\' && !raw) {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        Push(TokenKind::kString, begin, "");
        return true;
      }
    }
    Issue(kSqlUnterminated, begin, "the string that begins here is never closed",
          std::string("close it with ") + quote);
    return false;
  }
  bool QuotedName() {
    size_t begin = at_++;
    std::string name;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '`' && Peek(1) != '`') {
        ++at_;
        Push(TokenKind::kQuotedName, begin, name);
        return true;
      }
      if (text_[at_] == '`') ++at_;
      name += text_[at_];
    }
    Issue(kSqlUnterminated, begin, "the name that begins here is never closed", "close it with `");
    return false;
  }

  void CheckParentheses() {
    std::vector<size_t> open;
    for (const Token& token : tokens_) {
      if (token.kind != TokenKind::kSymbol) continue;
      if (token.text == "(") open.push_back(token.at);
      if (token.text != ")") continue;
      if (open.empty()) {
        Issue(kSqlUnterminated, token.at, "this `)` closes nothing");
        return;
      }
      open.pop_back();
    }
    if (!open.empty()) Issue(kSqlUnterminated, open.back(), "the `(` here is never closed");
  }

  void CheckStatement() {
    auto is_semicolon = [](const Token& token) {
      return token.kind == TokenKind::kSymbol && token.text == ";";
    };
    auto end = std::find_if(tokens_.begin(), tokens_.end(), is_semicolon);
    if (tokens_.begin() == end) {
      Issue(kSqlEmpty, tokens_.empty() ? 0 : end->at, "the SQL is empty", "write one query");
      return;
    }
    auto next = std::find_if_not(end, tokens_.end(), is_semicolon);
    if (next != tokens_.end()) {
      Issue(kSqlSeveral, next->at, "another statement begins here",
            "a derived dataset is one query");
      return;
    }
    if (end != tokens_.end()) scan_.query = std::string(text_.substr(0, end->at));
    CheckIsQuery();
  }
  void CheckIsQuery() {
    size_t first = 0;
    while (first + 1 < tokens_.size() && tokens_[first].text == "(") ++first;
    std::string word = Upper(tokens_[first].text);
    static const std::set<std::string> kStarts = {"SELECT", "WITH", "VALUES", "FROM", "TABLE"};
    if (tokens_[first].kind != TokenKind::kWord || !kStarts.contains(word)) {
      Issue(kSqlNotAQuery, tokens_[first].at,
            "a query begins with SELECT, WITH, VALUES, FROM or TABLE, not with `" +
                std::string(text_.substr(tokens_[first].at,
                                         std::max<size_t>(1, tokens_[first].text.size()))) +
                "`",
            "Pretzel itself creates and writes the table: give the query alone");
      return;
    }
    if (word == "WITH" && !CheckBehindWith(first)) return;
    if (word == "WITH" || word == "FROM") CheckWrites();
  }

  /// What follows the CTEs says what kind of statement this is.
  bool CheckBehindWith(size_t with) {
    const size_t next = BehindWith(with);
    if (next >= tokens_.size() || tokens_[next].text == "(") return true;
    static const std::set<std::string> kGoesOn = {"SELECT", "VALUES", "FROM", "TABLE",
                                                  "MAP",    "REDUCE", ";"};
    static const std::set<std::string> kWriters = {"INSERT", "UPDATE", "MERGE", "DELETE"};
    const std::string word = Upper(tokens_[next].text);
    if (kGoesOn.contains(word)) return true;
    Issue(kSqlNotAQuery, tokens_[next].at,
          kWriters.contains(word)
              ? "`" + word + "` writes: this is not a query"
              : "behind WITH a query goes on with SELECT, VALUES, FROM or TABLE, not with `" +
                    tokens_[next].text + "`",
          "Pretzel itself writes the table: give the query alone");
    return false;
  }
  /// The token behind the last CTE's closing parenthesis; the number of tokens when there is none.
  size_t BehindWith(size_t with) const {
    static const std::set<std::string> kBodyStarts = {"SELECT", "WITH", "VALUES", "FROM", "TABLE"};
    size_t depth = 0;
    bool body = false;  // not a list of columns
    for (size_t i = with + 1; i + 1 < tokens_.size(); ++i) {
      if (tokens_[i].kind != TokenKind::kSymbol) continue;
      if (tokens_[i].text == "(" && depth++ == 0) {
        const std::string inside = Upper(tokens_[i + 1].text);
        body = Upper(tokens_[i - 1].text) == "AS" || inside == "(" || kBodyStarts.contains(inside);
      } else if (tokens_[i].text == ")" && depth > 0 && --depth == 0 && body &&
                 tokens_[i + 1].text != ",") {
        return i + 1;
      }
    }
    return tokens_.size();
  }
  /// `FROM ... INSERT` is a command in the clothes of a query.
  void CheckWrites() {
    static const std::set<std::pair<std::string, std::string>> kWrites = {
        {"INSERT", "INTO"}, {"INSERT", "OVERWRITE"}, {"INSERT", "WITH"},
        {"MERGE", "INTO"},  {"MERGE", "WITH"},       {"DELETE", "FROM"}};
    for (size_t i = 1; i + 1 < tokens_.size(); ++i) {
      if (tokens_[i].kind != TokenKind::kWord || tokens_[i + 1].kind != TokenKind::kWord) continue;
      std::string here = Upper(tokens_[i].text);
      if (!kWrites.contains({here, Upper(tokens_[i + 1].text)})) continue;
      Issue(kSqlNotAQuery, tokens_[i].at, "`" + here + "` writes: this is not a query",
            "Pretzel itself writes the table: give the query alone");
      return;
    }
  }

  void CollectNames() {
    auto is_name = [](const Token& t) {
      return t.kind == TokenKind::kWord || t.kind == TokenKind::kQuotedName;
    };
    std::set<std::string> seen;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!is_name(tokens_[i])) continue;
      std::string name = tokens_[i].text;
      while (i + 2 < tokens_.size() && tokens_[i + 1].text == "." && is_name(tokens_[i + 2])) {
        name += "." + tokens_[i + 2].text;
        i += 2;
      }
      if (name.find('.') != std::string::npos && seen.insert(name).second)
        scan_.names.push_back(name);
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t last_offset_ = 0;  // see At
  sdk::yaml::Position last_{1, 1};
  std::vector<Token> tokens_;
  SqlScan scan_;
};

}  // namespace

SqlScan ScanSql(std::string_view text) { return Scanner(text).Run(); }

}  // namespace dcp::derived_dataset
