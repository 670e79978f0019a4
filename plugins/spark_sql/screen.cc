// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/screen.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "spark_sql/calls.h"
#include "spark_sql/functions.h"
#include "spark_sql/growth.h"
#include "spark_sql/nesting.h"
#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

// Data sources that read a path given as if it were a table name.
constexpr std::array<std::string_view, 16> kPathFormats = {
    "csv",  "json", "parquet", "orc",  "text",  "xml",   "avro",   "binaryfile",
    "jdbc", "hive", "delta",   "hudi", "kafka", "image", "libsvm", "iceberg"};

constexpr std::array<std::string_view, 5> kQueryStarts = {"select", "with", "values", "table",
                                                          "from"};

// What else a statement may start with, to name it in the message.
constexpr std::array<std::string_view, 42> kStatements = {
    "insert",   "update",  "delete",  "merge",   "create",  "drop",    "alter",
    "truncate", "replace", "call",    "set",     "reset",   "use",     "show",
    "describe", "desc",    "explain", "cache",   "uncache", "refresh", "clear",
    "analyze",  "msck",    "load",    "grant",   "revoke",  "add",     "list",
    "begin",    "declare", "execute", "export",  "import",  "commit",  "rollback",
    "optimize", "vacuum",  "copy",    "comment", "repair",  "start",   "if"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

Denial DenyAt(const Token& token, std::string id, std::string message, std::string hint) {
  return {std::move(id), std::move(message), std::move(hint), token.begin, token.end};
}

class Rules {
 public:
  Rules(std::string_view sql, const std::vector<Token>& tokens) : sql_(sql), tokens_(tokens) {}

  std::optional<Denial> Run() {
    if (auto denial = Statements()) return denial;
    if (auto denial = Start()) return denial;
    if (auto denial = JudgeNesting(tokens_, count_)) return denial;
    if (auto denial = JudgeGrowth(tokens_, count_)) return denial;
    calls_.emplace(tokens_, count_);
    for (size_t i = 0; i < count_; ++i) {
      if (auto denial = At(i)) return denial;
    }
    if (!open_.empty()) {
      return DenyAt(tokens_[open_.back()], "PZ0205", "this '(' is never closed",
                    "add ')' where it ends");
    }
    return std::nullopt;
  }

  // Behind the last token: a comment that ends in a backslash would swallow the wrapper's ')'.
  size_t QueryEnd() const { return tokens_[count_ - 1].end; }
  size_t count() const { return count_; }

 private:
  // The word in lower case, without the end of a number that it begins with: to Spark "1e+5using"
  // is a number and a keyword, and so is "1e+5fusing".
  std::string Bare(size_t i) const {
    std::string word = Lower(tokens_[i].text);
    const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    if (digits == 0) return word;
    word.erase(0, digits);
    for (const std::string_view suffix : {"bd", "d", "f"}) {
      if (word.starts_with(suffix) && IsKeyword(word.substr(suffix.size()))) {
        return word.substr(suffix.size());
      }
    }
    return word;
  }
  bool Is(size_t i, std::string_view symbol) const {
    return i < count_ && tokens_[i].kind == TokenKind::kSymbol && tokens_[i].text == symbol;
  }
  bool IsWord(size_t i, std::string_view word) const {
    return i < count_ && tokens_[i].kind == TokenKind::kWord && Bare(i) == word;
  }

  // Exactly one statement, with any number of ';' behind it.
  std::optional<Denial> Statements() {
    const auto semicolon = [](const Token& t) {
      return t.kind == TokenKind::kSymbol && t.text == ";";
    };
    const auto first = std::find_if(tokens_.begin(), tokens_.end(), semicolon);
    count_ = static_cast<size_t>(first - tokens_.begin());
    const auto more = std::find_if_not(first, tokens_.end(), semicolon);
    if (count_ == 0 && more == tokens_.end()) {
      const bool blank = sql_.find_first_not_of(" \t\r\n;") == std::string_view::npos;
      return Denial{"PZ0201", blank ? "the SQL is empty" : "the SQL holds only comments",
                    "write one query, for example SELECT ... FROM ...", 0, 0};
    }
    if (more != tokens_.end()) {
      return DenyAt(*more, "PZ0202",
                    "a second statement starts here; a derived dataset is one query",
                    "put each query into a manifest of its own");
    }
    return std::nullopt;
  }

  std::optional<Denial> Start() const {
    size_t i = 0;
    while (Is(i, "(")) ++i;
    const Token& token = tokens_[std::min(i, count_ - 1)];
    const std::string word = Lower(token.text);
    if (token.kind == TokenKind::kWord && Contains(kQueryStarts, word)) return std::nullopt;
    if (token.kind == TokenKind::kWord && (word == "map" || word == "reduce")) {
      return DenyAt(token, "PZ0212", Upper(word) + " runs a program on the cluster",
                    "use SELECT with built-in functions");
    }
    if (token.kind == TokenKind::kWord && Contains(kStatements, word)) {
      return NotAQuery(token, word);
    }
    const std::string nearest =
        Nearest(word, std::vector<std::string>(kQueryStarts.begin(), kQueryStarts.end()));
    return DenyAt(token, "PZ0203", "this is not a query: it starts with '" + token.text + "'",
                  nearest.empty() ? "a query starts with SELECT, WITH, VALUES, TABLE or FROM"
                                  : "did you mean " + Upper(nearest) + "?");
  }

  static Denial NotAQuery(const Token& token, std::string_view word) {
    const std::string name = Upper(word);
    const bool vowel = std::string_view("AEIOU").find(name.front()) != std::string_view::npos;
    return DenyAt(token, "PZ0203",
                  "this is " + std::string(vowel ? "an " : "a ") + name +
                      " statement; a derived dataset is one query",
                  "write the SELECT alone; Pretzel creates and fills the table");
  }

  std::optional<Denial> At(size_t i) {
    const Token& token = tokens_[i];
    if (auto denial = Parentheses(i)) return denial;
    if (Is(i, "(")) return calls_->Judge(i);
    if (Is(i, "?") && !Is(i + 1, "::")) {
      return DenyAt(token, "PZ0218", "'?' is a parameter without a name",
                    "write :name, and declare it in the manifest");
    }
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kQuoted) return std::nullopt;
    if (auto denial = Path(i)) return denial;
    return token.kind == TokenKind::kWord ? Keyword(i) : std::nullopt;
  }

  std::optional<Denial> Parentheses(size_t i) {
    if (Is(i, "(")) {
      open_.push_back(i);
    } else if (Is(i, ")")) {
      if (open_.empty()) {
        return DenyAt(tokens_[i], "PZ0205", "this ')' closes nothing", "remove it, or add '('");
      }
      open_.pop_back();
    }
    return std::nullopt;
  }

  // format.`path`, and any name that ends in a path where a table is read.
  std::optional<Denial> Path(size_t i) const {
    if (i > 0 && Is(i - 1, ".")) return std::nullopt;  // looked at from its first part
    size_t last = i;
    while (Is(last + 1, ".") && last + 2 < count_ && IsName(last + 2)) last += 2;
    if (last == i) return std::nullopt;
    const std::string first = Lower(tokens_[i].text);
    const Token& name = tokens_[last];
    const bool quoted = name.kind == TokenKind::kQuoted;
    const bool path = quoted && name.text.find_first_of("/\\:*") != std::string::npos;
    // A source by class name: org.apache.spark.sql.csv.`x`.
    const bool format =
        (last == i + 2 && Contains(kPathFormats, first)) || first == "org" || first == "com";
    if (!(path && format) && !((path || (format && quoted)) && InTablePosition(i))) {
      return std::nullopt;
    }
    return DenyAt(tokens_[i], "PZ0211",
                  "'" + tokens_[last - 2].text + ".`" + name.text + "`' reads files by path",
                  "read tables of the catalog: catalog.namespace.table");
  }

  bool IsName(size_t i) const {
    return tokens_[i].kind == TokenKind::kQuoted || tokens_[i].kind == TokenKind::kWord;
  }

  bool InTablePosition(size_t i) const {
    return i > 0 && (IsWord(i - 1, "from") || IsWord(i - 1, "join") || IsWord(i - 1, "table") ||
                     IsWord(i - 1, "lateral") || Is(i - 1, ",") || Is(i - 1, "("));
  }

  std::optional<Denial> Keyword(size_t i) const {
    const std::string word = Bare(i);
    const bool text_next = i + 1 < count_ && (tokens_[i + 1].kind == TokenKind::kString ||
                                              tokens_[i + 1].kind == TokenKind::kParameter ||
                                              Is(i + 1, "?") || Is(i + 1, ":"));
    if (word == "using" && text_next) {
      return DenyAt(tokens_[i], "PZ0212", "TRANSFORM ... USING runs a program on the cluster",
                    "use built-in functions");
    }
    if (word == "execute" && IsWord(i + 1, "immediate")) {
      return DenyAt(tokens_[i], "PZ0213", "EXECUTE IMMEDIATE runs text as SQL while it is analyzed",
                    "write the query itself");
    }
    // A statement behind WITH or FROM. The wrapper stops it in any case; this says it kindly.
    if (open_.empty() && i > 0 &&
        ((word == "insert" && (IsWord(i + 1, "into") || IsWord(i + 1, "overwrite"))) ||
         (word == "merge" && IsWord(i + 1, "into")) ||
         (word == "delete" && IsWord(i + 1, "from")))) {
      return NotAQuery(tokens_[i], word);
    }
    return std::nullopt;
  }

  std::string_view sql_;
  const std::vector<Token>& tokens_;
  size_t count_ = 0;          // tokens before a trailing ';'
  std::vector<size_t> open_;  // '(' not closed yet
  std::optional<Calls> calls_;
};

}  // namespace

ScreenResult Screen(std::string_view sql) {
  if (sql.size() > kSqlBytesMax) {
    return {Denial{"PZ0217", "the SQL is longer than " + std::to_string(kSqlBytesMax) + " bytes",
                   "load generated values into a table, and join it", 0, 0},
            {}};
  }
  auto lexed = Lex(sql);
  if (auto* denial = std::get_if<Denial>(&lexed)) return {std::move(*denial), {}};
  const auto& tokens = std::get<std::vector<Token>>(lexed);
  Rules rules(sql, tokens);
  if (auto denial = rules.Run()) return {std::move(denial), {}};

  ScreenResult result;
  result.query.sql = std::string(sql.substr(0, rules.QueryEnd()));
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < rules.count(); ++i) {
    const Token& token = tokens[i];
    if (token.kind != TokenKind::kParameter) continue;
    if (!seen.insert(token.text).second) continue;
    result.query.markers.push_back({token.text, token.begin, token.end});
  }
  return result;
}

std::vector<Denial> UndeclaredMarkers(const std::vector<Marker>& markers,
                                      const std::vector<std::string>& declared) {
  std::vector<Denial> out;
  const std::unordered_set<std::string_view> known(declared.begin(), declared.end());
  for (const Marker& marker : markers) {
    if (known.contains(marker.name)) continue;
    if (out.size() >= kUndeclaredMax) break;
    const std::string nearest = Nearest(marker.name, declared);
    out.push_back({"PZ0215", "the parameter ':" + marker.name + "' is not declared",
                   nearest.empty() ? "declare it in the manifest, with a type and a value"
                                   : "did you mean ':" + nearest + "'?",
                   marker.begin, marker.end});
  }
  return out;
}

std::vector<std::string> UnusedParameters(const std::vector<Marker>& markers,
                                          const std::vector<std::string>& declared) {
  std::vector<std::string> out;
  std::unordered_set<std::string_view> used;
  for (const Marker& marker : markers) used.insert(marker.name);
  for (const std::string& name : declared) {
    if (!used.contains(name)) out.push_back(name);
  }
  return out;
}

}  // namespace dcp::spark_sql
