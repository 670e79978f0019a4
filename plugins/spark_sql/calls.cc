// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/calls.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "spark_sql/suggest.h"

namespace dcp::spark_sql {
namespace {

// Words of the grammar that stand before a '(' and call nothing. Those that are functions as well
// (exists, filter, like, aggregate) are found as functions.
constexpr std::array<std::string_view, 49> kClauses = {
    "all",     "and",      "any",    "as",          "both",       "by",       "case",
    "cube",    "distinct", "else",   "except",      "extend",     "for",      "from",
    "group",   "having",   "in",     "intersect",   "join",       "lateral",  "leading",
    "limit",   "minus",    "not",    "nulls",       "of",         "offset",   "on",
    "or",      "over",     "pivot",  "placing",     "repeatable", "rollup",   "rows",
    "select",  "sets",     "table",  "tablesample", "then",       "trailing", "union",
    "unpivot", "using",    "values", "when",        "where",      "with",     "some"};

// Of these the ones that follow an operand, a table or a query, and begin none: `SELECT where(a)`
// is a call of a function that somebody named so.
constexpr std::array<std::string_view, 29> kInfix = {
    "and",       "as",    "except",  "for",        "from", "group",       "having", "in",
    "intersect", "join",  "limit",   "minus",      "of",   "offset",      "on",     "or",
    "over",      "pivot", "placing", "repeatable", "sets", "tablesample", "then",   "union",
    "unpivot",   "using", "where",   "with",       "else"};
// Words after which an operand begins.
constexpr std::array<std::string_view, 19> kBeforeOperands = {
    "select", "distinct", "and",  "or",      "not",  "where", "having", "on",     "by", "when",
    "then",   "else",     "case", "between", "like", "ilike", "rlike",  "regexp", "div"};

// Types that take numbers and are no functions; those that are both (decimal, char) need no rule.
constexpr std::array<std::string_view, 6> kTypesWithNumbers = {
    "dec", "numeric", "varchar", "character", "geometry", "geography"};

// More parts than any name that may be called has.
constexpr size_t kNamePartsMax = 4;

constexpr std::array<std::string_view, 7> kQueryStarts = {"select", "with", "values", "table",
                                                          "from",   "map",  "reduce"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumber(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Denial DenyAt(const Token& token, std::string id, std::string message, std::string hint) {
  return {std::move(id), std::move(message), std::move(hint), token.begin, token.end};
}

}  // namespace

Calls::Calls(const std::vector<Token>& tokens, size_t count)
    : tokens_(tokens),
      count_(count),
      match_(count, count),
      hint_(count),
      cte_(count),
      first_cte_(count) {
  Match();
  FindHints();
  FindCtes();
}

bool Calls::Is(size_t i, std::string_view symbol) const {
  return i < count_ && tokens_[i].kind == TokenKind::kSymbol && tokens_[i].text == symbol;
}

bool Calls::IsWord(size_t i, std::string_view word) const {
  return i < count_ && tokens_[i].kind == TokenKind::kWord && Lower(tokens_[i].text) == word;
}

bool Calls::IsName(size_t i) const {
  return i < count_ &&
         (tokens_[i].kind == TokenKind::kQuoted || tokens_[i].kind == TokenKind::kWord);
}

void Calls::Match() {
  std::vector<size_t> open;
  for (size_t i = 0; i < count_; ++i) {
    if (Is(i, "(")) open.push_back(i);
    if (!Is(i, ")") || open.empty()) continue;
    match_[open.back()] = i;
    open.pop_back();
  }
}

void Calls::FindHints() {
  for (size_t i = 0; i < count_; ++i) {
    if (!Is(i, "/*+")) continue;
    for (++i; i < count_ && !Is(i, "*/"); ++i) {
      if (!Is(i, "(")) continue;
      hint_[i] = true;
      i = std::min(match_[i], count_ - 1);  // within it are expressions
    }
  }
}

// WITH [RECURSIVE] name [(columns)] [MAX RECURSION LEVEL n] [AS] (query) [, ...], where a query may
// begin. Elsewhere WITH brings options, or is a name.
void Calls::FindCtes() {
  for (size_t i = 0; i < count_; ++i) {
    if (!IsWord(i, "with") || (i > 0 && !Is(i - 1, "("))) continue;
    size_t name = i + (IsWord(i + 1, "recursive") && IsName(i + 2) ? 2 : 1);
    while (name < count_) {
      // A statement's first word is no column: these are common table expressions, whatever
      // follows.
      if (i == 0 && IsName(name)) first_cte_[name] = true;
      name = Cte(name);
    }
  }
}

// Answers where the next name of the list stands, or `count_`.
size_t Calls::Cte(size_t name) {
  if (!IsName(name)) return count_;
  cte_[name] = true;
  size_t query = name + 1;
  if (Is(query, "(") && !IsQuery(query)) query = match_[query] + 1;  // behind its columns
  if (IsWord(query, "max")) query += 4;                              // MAX RECURSION LEVEL n
  if (IsWord(query, "as")) ++query;
  if (!Is(query, "(") || !IsQuery(query)) return count_;
  const size_t behind = match_[query] + 1;
  return Is(behind, ",") ? behind + 1 : count_;
}

// Whether the parentheses hold a query, and not names that happen to be its words: (with, select).
bool Calls::IsQuery(size_t open) const {
  if (Is(open + 1, "(")) return true;
  return open + 2 < match_[open] && !Is(open + 2, ",") &&
         tokens_[open + 1].kind == TokenKind::kWord &&
         Contains(kQueryStarts, Lower(tokens_[open + 1].text));
}

Calls::Name Calls::NameBefore(size_t open) const {
  Name name;
  name.begin = name.last = open - 1;
  name.parts.push_back(Lower(tokens_[name.last].text));
  while (name.begin > 0 && Is(name.begin - 1, ".") && name.parts.size() < kNamePartsMax) {
    // A dot behind what is no name: the part before it is empty, which is in no list.
    const bool named = name.begin > 1 && IsName(name.begin - 2);
    name.parts.push_back(named ? Lower(tokens_[name.begin - 2].text) : std::string());
    name.begin -= named ? 2 : 1;
    if (!named) break;
  }
  std::reverse(name.parts.begin(), name.parts.end());
  return name;
}

bool Calls::HoldsNames(size_t open) const {
  const size_t close = match_[open];
  for (size_t i = open + 1; i < close; ++i) {
    const bool odd = (i - open) % 2 == 1;
    if (odd ? !IsName(i) : !Is(i, ",")) return false;
  }
  return close >= open + 2 && (close - open) % 2 == 0;
}

// What no arrangement of tokens makes a call: `AS name(columns)`, since behind the word AS the
// grammar has an alias, a type or a parenthesis (and behind a column named `as`, an alias again);
// and a common table expression of the statement's own WITH.
bool Calls::NamesColumns(const Name& name, size_t open) const {
  if (!HoldsNames(open) || hint_[open]) return false;
  if (first_cte_[name.last]) return IsWord(match_[open] + 1, "as") || Is(match_[open] + 1, "(");
  return name.begin > 0 && IsWord(name.begin - 1, "as");
}

// [AS] alias (columns): behind AS, or where an operand has ended, so that no other can begin.
bool Calls::IsAlias(const Name& name, size_t open) const {
  if (!HoldsNames(open) || name.begin == 0) return false;
  const size_t i = name.begin - 1;
  const Token& before = tokens_[i];
  if (before.kind == TokenKind::kSymbol) return before.text == ")";
  if (before.kind != TokenKind::kWord) return true;
  if (IsWord(i, "as") || IsNumber(before.text)) return true;
  // "1e+5and": a number and a keyword to Spark. And letters beyond ASCII are no name to it.
  return !IsDigit(before.text.front()) && IsAscii(before.text) && !IsKeyword(Lower(before.text));
}

// varchar(3), where a type stands.
bool Calls::IsTypeName(size_t i, size_t open) const {
  if (tokens_[i].kind != TokenKind::kWord || !Contains(kTypesWithNumbers, Lower(tokens_[i].text))) {
    return false;
  }
  for (size_t k = open + 1; k < match_[open]; ++k) {
    if (!Is(k, ",") && !IsWord(k, "any") && !IsNumber(tokens_[k].text)) return false;
  }
  return i > 0 && (IsWord(i - 1, "as") || Is(i - 1, "::") || InType(i));
}

// Whether the word before a '(' belongs to a clause there.
bool Calls::IsClause(size_t i) const {
  const std::string word = Lower(tokens_[i].text);
  if (!Contains(kClauses, word)) return false;
  if (!Contains(kInfix, word)) return true;
  if (i == 0) return word == "from";
  const size_t before = i - 1;
  const std::string last = Lower(tokens_[before].text);
  if (tokens_[before].kind == TokenKind::kWord) {
    if (last == "not") return word == "in";
    // IS [NOT] DISTINCT FROM
    if (last == "distinct" && word == "from") return before > 0 && !IsWord(before - 1, "select");
    return !Contains(kBeforeOperands, last);
  }
  if (tokens_[before].kind != TokenKind::kSymbol) return true;
  if (last == "*") {  // every column, and no product
    return before > 0 &&
           (IsWord(before - 1, "select") || IsWord(before - 1, "distinct") || Is(before - 1, ",") ||
            Is(before - 1, "(") || Is(before - 1, ".") || Is(before - 1, "*/"));
  }
  if (last == ">") return InType(before) || (before > 0 && Is(before - 1, "|"));
  if (last == "!") return word == "in";
  if (last == "(" && word == "where") return before > 0 && IsWord(before - 1, "filter");
  return last == ")" || last == "]" || (last == "(" && word == "from");
}

// Whether an ARRAY<, MAP< or STRUCT< before token `i` is not closed yet.
bool Calls::InType(size_t i) const {
  int closed = 0;
  for (size_t seen = 0; i > 0 && seen < kTypeTokensMax; ++seen) {
    --i;
    if (Is(i, ">")) ++closed;
    if (Is(i, "<") && --closed < 0) {
      return IsWord(i - 1, "array") || IsWord(i - 1, "map") || IsWord(i - 1, "struct");
    }
  }
  return false;
}

std::vector<Calls::Argument> Calls::Arguments(size_t open) const {
  std::vector<Argument> arguments;
  size_t begin = open + 1;
  for (size_t i = begin; i < match_[open]; ++i) {
    if (Is(i, "(")) i = match_[i];
    if (!Is(i, ",")) continue;
    arguments.push_back({begin, i});
    begin = i + 1;
  }
  arguments.push_back({begin, match_[open]});
  return arguments;
}

std::optional<Denial> Calls::Judge(size_t open) const {
  if (open == 0 || open >= count_ || match_[open] >= count_ || !IsName(open - 1)) {
    return std::nullopt;
  }
  const Name name = NameBefore(open);
  const Token& token = tokens_[name.last];
  const bool word = token.kind == TokenKind::kWord;
  if (name.begin == name.last) {
    if (word && IsNumber(token.text)) return std::nullopt;
    // IDENTIFIER('ref' || 'lect')(...) would name any function or table behind our back.
    if (word && name.parts[0] == "identifier") {
      return DenyAt(token, "PZ0214", "IDENTIFIER(...) makes a name out of text",
                    "write the name itself");
    }
    const Function* function = FindFunction(name.parts[0]);
    // Where a table, an alias, a type or a hint is named is read from tokens, which can be arranged
    // to look so: `with` may be a column. A function that is refused, or whose arguments count, is
    // judged wherever its name stands before a parenthesis, but where nothing else can stand.
    const bool judged = function != nullptr && (function->judgement == Judgement::kReaches ||
                                                function->judgement == Judgement::kArguments);
    if (judged && !NamesColumns(name, open)) return JudgeName(name, open);
    if (cte_[name.last] || IsAlias(name, open)) return std::nullopt;
    if (word && IsTypeName(name.last, open)) return std::nullopt;
    if (function == nullptr && word && IsClause(name.last)) return std::nullopt;
    if (hint_[open]) return std::nullopt;
  }
  return JudgeName(name, open);
}

std::optional<Denial> Calls::JudgeName(const Name& name, size_t open) const {
  const Token& token = tokens_[name.last];
  const Function* function = FindFunction(name.parts.back());
  if (function != nullptr && function->judgement == Judgement::kReaches) {
    const bool alias = name.parts.size() == 1 && IsAlias(name, open);
    return DenyAt(token, "PZ0210", "'" + token.text + "' " + std::string(function->why),
                  alias ? "if these are the columns of an alias, write AS " + token.text + "(...)"
                        : "use other built-in functions over tables of the catalog; this one "
                          "cannot be allowed");
  }
  if (name.parts.size() == 1 && function != nullptr) {
    return function->judgement == Judgement::kArguments ? CheckArguments(*function, open)
                                                        : std::nullopt;
  }
  const bool of_catalog = name.parts.size() == 3 && name.parts[1] == "system" &&
                          !name.parts[0].empty() && name.parts[0] != "spark_catalog" &&
                          FindCatalogFunction(name.parts[2]) != nullptr;
  return of_catalog ? std::nullopt : std::optional(Unknown(name));
}

Denial Calls::Unknown(const Name& name) const {
  const std::string& last = name.parts.back();
  Denial denial;
  denial.id = "PZ0223";
  denial.begin = tokens_[name.begin].begin;
  denial.end = tokens_[name.last].end;
  std::string written;
  for (size_t i = name.begin; i <= name.last; ++i) written += tokens_[i].text;
  denial.message = "there is no function '" + written + "' that a query may call";
  const std::string nearest = Nearest(last, CallableNames());
  if (FindCatalogFunction(last) != nullptr && FindFunction(last) == nullptr) {
    denial.hint = "Iceberg's functions are written with their catalog: CATALOG.system." + last;
  } else if (name.parts.size() > 1 && FindFunction(last) != nullptr) {
    denial.hint = "write " + last + "(...) alone, without a catalog or a namespace";
  } else if (!nearest.empty()) {
    denial.hint = "did you mean '" + nearest + "'?";
  } else {
    denial.hint =
        "only Spark's own functions can be called, no user-defined ones; for the columns of an "
        "alias write AS " +
        std::string(tokens_[name.last].text) + "(...)";
  }
  return denial;
}

}  // namespace dcp::spark_sql
