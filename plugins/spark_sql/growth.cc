// SPDX-License-Identifier: Apache-2.0
#include "spark_sql/growth.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <unordered_map>

#include "spark_sql/findings.h"

namespace dcp::spark_sql {
namespace {

/// Calls whose value holds each of its arguments.
constexpr std::array<std::string_view, 5> kHolding = {"struct", "named_struct", "map", "arrays_zip",
                                                      "map_from_arrays"};
/// Words after which a table may stand.
constexpr std::array<std::string_view, 3> kBeforeTable = {"from", "join", "table"};
/// Words with which a query in parentheses begins.
constexpr std::array<std::string_view, 5> kQueries = {"select", "with", "values", "from", "table"};

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// What a query, or a part of one, becomes. Numbers saturate far above the limits.
struct Size {
  double copies = 0;   ///< of queries of a WITH
  double columns = 1;  ///< of each column
};

class Growth {
 public:
  Growth(const std::vector<Token>& tokens, size_t count) : tokens_(tokens), count_(count) {
    Match();
  }

  std::optional<Denial> Judge() {
    for (size_t i = 0; i < count_; ++i) {
      const Token& token = tokens_[i];
      const bool name = token.kind == TokenKind::kWord || token.kind == TokenKind::kQuoted;
      if (token.kind == TokenKind::kSymbol) {
        Symbol(i);
      } else if (name && !Is(i, -1, ".") && !BeginsCte(i)) {
        Name(i);
      } else if (name && Is(i, -1, ".")) {
        Hold(Lower(token.text));
      }
      if (auto denial = TooMuch(token)) return denial;
    }
    return std::nullopt;
  }

 private:
  /// An open parenthesis, or the statement itself.
  struct Frame {
    std::string cte;  // that it defines
    bool holding = false;
    std::unordered_map<std::string, double> held;  // how often a name stands in it
    double stars = 0;
    double copies = 0;
    double own = 1;      // how often a select list here has a column of its sources
    double sources = 1;  // the same of what it selects from
    Size Total() const { return {copies, own * sources}; }
  };

  void Match() {
    closing_.assign(count_, count_);
    std::vector<size_t> open;
    for (size_t i = 0; i < count_; ++i) {
      if (tokens_[i].kind != TokenKind::kSymbol) continue;
      if (tokens_[i].text == "(") open.push_back(i);
      if (tokens_[i].text == ")" && !open.empty()) {
        closing_[open.back()] = i;
        open.pop_back();
      }
    }
  }
  bool Is(size_t i, int offset, std::string_view text) const {
    const size_t at = i + static_cast<size_t>(offset);  // wraps below 0, and is too large then
    return at < count_ && tokens_[at].kind == TokenKind::kSymbol && tokens_[at].text == text;
  }
  std::string WordAt(size_t at) const {
    return at < count_ && tokens_[at].kind == TokenKind::kWord ? Lower(tokens_[at].text) : "";
  }

  /// NAME [(COLUMNS)] [MAX RECURSION LEVEL N] AS ( after WITH, RECURSIVE or a comma.
  bool BeginsCte(size_t i) {
    const std::string before = i > 0 ? WordAt(i - 1) : "";
    if (before != "with" && before != "recursive" && !Is(i, -1, ",")) return false;
    size_t at = i + 1;
    if (Is(at, 0, "(")) at = closing_[at] + 1;
    if (WordAt(at) == "max") at += 4;
    if (WordAt(at) != "as" || !Is(at + 1, 0, "(")) return false;
    defines_[at + 1] = Lower(tokens_[i].text);
    return true;
  }

  void Symbol(size_t i) {
    const std::string& text = tokens_[i].text;
    if (text == "(") {
      Open(i);
    } else if (text == ")") {
      if (frames_.size() > 1) Close();
    } else if (text == "*") {
      Hold("*");
      const std::string before = i > 0 ? WordAt(i - 1) : "";
      if (before == "select" || before == "distinct" || Is(i, -1, ",") || Is(i, -1, ".")) {
        Frame& frame = frames_.back();
        frame.own = std::max(frame.own, ++frame.stars);
      }
    }
  }

  void Open(size_t i) {
    Frame frame;
    if (const auto cte = defines_.find(i); cte != defines_.end()) frame.cte = cte->second;
    const bool call = i > 0 && (tokens_[i - 1].kind == TokenKind::kWord ||
                                tokens_[i - 1].kind == TokenKind::kQuoted);
    const std::string before = i > 0 ? WordAt(i - 1) : "";
    // (a, a) is a struct as well.
    const bool tuple = (!call || before == "select") && !Has(kQueries, WordAt(i + 1));
    frame.holding = frame.cte.empty() && (tuple || (call && Has(kHolding, before)));
    holding_ += frame.holding ? 1 : 0;
    frames_.push_back(std::move(frame));
  }

  void Close() {
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    Frame& around = frames_.back();
    const Size size = frame.Total();
    if (!frame.cte.empty()) {
      ctes_[frame.cte] = {1 + size.copies, size.columns};
      return;
    }
    around.copies += size.copies;
    around.sources = std::max(around.sources, size.columns);
    if (!frame.holding) return;
    --holding_;
    for (const auto& [name, times] : frame.held) around.own = std::max(around.own, times);
  }

  void Name(size_t i) {
    const Token& token = tokens_[i];
    const std::string name = Lower(token.text);
    if (token.kind == TokenKind::kWord && name == "select") frames_.back().stars = 0;
    if (Is(i, 1, ".")) return;  // the last part counts
    if (!Is(i, 1, "(")) Hold(name);
    const auto cte = ctes_.find(name);
    if (cte == ctes_.end()) return;
    const std::string before = i > 0 ? WordAt(i - 1) : "";
    if (!Has(kBeforeTable, before) && !Is(i, -1, ",") && !Is(i, -1, "(")) return;
    Frame& frame = frames_.back();
    frame.copies += cte->second.copies;
    frame.sources = std::max(frame.sources, cte->second.columns);
  }

  void Hold(const std::string& name) {
    if (holding_ == 0) return;
    for (Frame& frame : frames_) {
      if (frame.holding) ++frame.held[name];
    }
  }

  std::optional<Denial> TooMuch(const Token& token) const {
    const Size size = frames_.back().Total();
    if (size.copies > static_cast<double>(kCopiesMax)) {
      return Denial{"PZ0225",
                    "the queries of WITH stand for more than " + std::to_string(kCopiesMax) +
                        " copies of each other",
                    "run one of them into a table, and read that", token.begin, token.end};
    }
    if (size.columns > static_cast<double>(kColumnCopiesMax)) {
      return Denial{"PZ0225",
                    "the query makes more than " + std::to_string(kColumnCopiesMax) +
                        " copies of a column, by putting it into structs, or by *, again and again",
                    "select each column once", token.begin, token.end};
    }
    return std::nullopt;
  }

  const std::vector<Token>& tokens_;
  const size_t count_;
  std::vector<size_t> closing_;            // of each "(", else count_
  std::map<size_t, std::string> defines_;  // by the "(" of its query
  std::map<std::string, Size> ctes_;
  std::vector<Frame> frames_{1};
  size_t holding_ = 0;
};

}  // namespace

bool CheckSchemaSize(size_t bytes, Findings* findings) {
  if (bytes <= kSchemaBytesMax) return true;
  findings->AddError(
      "PZ0225",
      "the query's columns, with all that is nested in them, take " + std::to_string(bytes) +
          " bytes; at most " + std::to_string(kSchemaBytesMax) + " are kept",
      "select fewer columns, or less of what is nested in them: a struct that holds a struct twice "
      "doubles with each query around it");
  return false;
}

std::optional<Denial> JudgeGrowth(const std::vector<Token>& tokens, size_t count) {
  return Growth(tokens, count).Judge();
}

}  // namespace dcp::spark_sql
