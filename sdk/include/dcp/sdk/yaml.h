// SPDX-License-Identifier: Apache-2.0
//
// YAML as people write it, with the line and column of every key and value. Header-only over
// yaml-cpp (whoever includes it links yaml-cpp). YAML 1.2's core schema only: `yes`, `no` and `on`
// are text. Duplicate keys, explicit tags and merge keys are refused; bytes, depth, nodes and alias
// expansion are bounded. Nothing is thrown; everything wrong is collected, up to a limit.
//
//   yaml::Problems problems;
//   for (const yaml::NodePtr& document : yaml::Parse(text, problems)) {
//     yaml::Fields fields(*document, "the manifest", problems);
//     std::optional<std::string> name = fields.NeedText("name");
//     fields.Close();  // any other key is a problem, with the nearest known one
//   }
//
// Lines and columns count from 1, columns in Unicode code points.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dcp::sdk::yaml {

struct Position {
  int line = 0;
  int column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

enum class ProblemKind { kSyntax, kUnknownKey, kUnsupported, kValue };

/// One thing that is wrong with a text: what, what to do, and where.
struct Problem {
  std::string message;
  std::string hint;
  int line = 0;
  int column = 0;
  ProblemKind kind = ProblemKind::kValue;
};

/// Bounds on what one text may make a program hold or walk.
struct Limits {
  size_t bytes = size_t{4} << 20;  ///< larger ones are generated, and belong into a table
  int depth = 64;                  ///< people nest a handful; recursion over the tree stays small
  size_t nodes = 200'000;          ///< also counts what aliases expand to: no alias bomb
  size_t documents = 1'000;
  size_t problems = 50;  ///< more help nobody
};

/// Collects problems in the order found, up to a limit.
class Problems {
 public:
  explicit Problems(size_t max = Limits{}.problems) : max_(max) {}
  void Add(Position at, std::string message, std::string hint = {},
           ProblemKind kind = ProblemKind::kValue) {
    if (full()) {
      ++dropped_;
      return;
    }
    list_.push_back({std::move(message), std::move(hint), at.line, at.column, kind});
  }
  bool empty() const { return list_.empty(); }
  bool full() const { return list_.size() >= max_; }  ///< what comes now is only counted
  const std::vector<Problem>& list() const { return list_; }
  size_t dropped() const { return dropped_; }  ///< found beyond the limit

 private:
  size_t max_;
  size_t dropped_ = 0;
  std::vector<Problem> list_;
};

/// Where the content of a text value stands in the file: content line 1 is file line `line`; add
/// `first_line_offset` to its columns, and `line_offset` to those of every further line.
/// `exact` is false for a folded, escaped or multi-line flow scalar: then only the start is known.
struct SourceMap {
  int line = 1;
  int first_line_offset = 0;
  int line_offset = 0;
  bool exact = true;

  /// The file's position of a position in the content.
  Position Of(Position content) const {
    if (!exact) return {line, first_line_offset + 1};
    return {line + content.line - 1,
            content.column + (content.line == 1 ? first_line_offset : line_offset)};
  }
};

enum class Kind { kNull, kBool, kInt, kFloat, kText, kList, kMap };

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Position key_at;
  NodePtr value;
};

/// A value. Aliases share one node.
struct Node {
  Kind kind = Kind::kNull;
  Position at;
  std::string text;            ///< of a scalar, as written
  SourceMap source;            ///< of a scalar
  std::vector<NodePtr> items;  ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order written
  size_t weight = 1;           ///< nodes in it, aliases expanded

  const Entry* Find(std::string_view key) const {
    for (const Entry& entry : entries) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
};

/// "a map", "the integer 7", ...: for messages.
inline std::string Describe(const Node& node) {
  constexpr size_t kShown = 40;  // a message quotes a value, never a page
  std::string quoted = node.text.size() <= kShown && node.text.find('\n') == std::string::npos
                           ? " `" + node.text + "`"
                           : "";
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kBool:
      return "the boolean" + quoted;
    case Kind::kInt:
      return "the integer" + quoted;
    case Kind::kFloat:
      return "the number" + quoted;
    case Kind::kText:
      return "text" + quoted;
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "something else";
}

/// Edits (insert, delete, replace, swap neighbours) between two words.
inline size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last;
  std::vector<size_t> last(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> now(b.size() + 1);
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] =
          std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::move(last);
    last = std::move(now);
  }
  return last[b.size()];
}

/// The candidate a person most likely meant; empty when none is near.
template <typename Range>
std::string Nearest(std::string_view word, const Range& candidates) {
  constexpr size_t kWordMax = 100;  // the distance is quadratic, and no key is longer
  if (word.size() > kWordMax) return {};
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    std::string_view view(candidate);
    if (view.size() > kWordMax) continue;
    size_t distance = EditDistance(word, view);
    if (distance < best_distance) {
      best = std::string(view);
      best_distance = distance;
    }
  }
  return best;
}

/// The documents of a text. After a syntax error: those before it, and the problem.
std::vector<NodePtr> Parse(std::string_view text, Problems& problems, const Limits& limits = {});

// Typed reading. Each adds a problem and answers nothing when the value is of another type.
inline std::optional<std::string> AsText(const Node& node, std::string_view what, Problems& out) {
  if (node.kind == Kind::kText) return node.text;
  bool scalar = node.kind == Kind::kBool || node.kind == Kind::kInt || node.kind == Kind::kFloat;
  out.Add(node.at, "`" + std::string(what) + "` must be text, found " + Describe(node),
          scalar ? "quote it: \"" + node.text + "\"" : "");
  return std::nullopt;
}

inline std::optional<bool> AsBool(const Node& node, std::string_view what, Problems& out) {
  if (node.kind == Kind::kBool) return node.text[0] == 't' || node.text[0] == 'T';
  out.Add(node.at, "`" + std::string(what) + "` must be true or false, found " + Describe(node),
          node.kind == Kind::kText ? "YAML 1.2 knows only `true` and `false`, without quotes" : "");
  return std::nullopt;
}

std::optional<int64_t> AsInt(const Node& node, std::string_view what, Problems& out);

/// Reads the fields of one map, and knows which keys it was asked for.
class Fields {
 public:
  /// `where` names the map in messages ("spec.table"); empty for the outermost.
  Fields(const Node& node, std::string where, Problems& problems)
      : node_(node), where_(std::move(where)), problems_(problems) {
    if (node.kind != Kind::kMap) {
      problems_.Add(node.at, (where_.empty() ? "the document" : "`" + where_ + "`") +
                                 " must be a map of keys and values, found " + Describe(node));
    }
  }

  bool IsMap() const { return node_.kind == Kind::kMap; }
  const Node& node() const { return node_; }
  Problems& problems() { return problems_; }
  std::string Path(std::string_view key) const {
    return where_.empty() ? std::string(key) : where_ + "." + std::string(key);
  }
  bool Has(std::string_view key) const { return node_.Find(key) != nullptr; }

  /// The value; nullptr when the key is absent. A key without a value is a problem.
  const Node* Get(std::string_view key) {
    const Entry* entry = GetEntry(key);
    if (entry == nullptr) return nullptr;
    if (entry->value->kind != Kind::kNull) return entry->value.get();
    problems_.Add(entry->key_at, "`" + Path(key) + "` has no value",
                  "give it one or remove the key");
    return nullptr;
  }
  /// Key and value, null values too.
  const Entry* GetEntry(std::string_view key) {
    known_.emplace(key);
    return node_.Find(key);
  }
  /// As Get; an absent key is a problem.
  const Node* Need(std::string_view key) {
    if (IsMap() && !Has(key)) {
      problems_.Add(node_.at, "`" + Path(key) + "` is missing");
    }
    return Get(key);
  }
  std::optional<std::string> Text(std::string_view key) { return TextOf(Get(key), key); }
  std::optional<std::string> NeedText(std::string_view key) { return TextOf(Need(key), key); }

  /// NeedText, with the node for its place (nullptr when absent).
  std::pair<const Node*, std::optional<std::string>> NeedTextNode(std::string_view key) {
    const Node* node = Need(key);
    return {node, TextOf(node, key)};
  }

  /// Known, but not taken yet: present is a problem.
  void Unsupported(std::string_view key, std::string_view hint) {
    if (const Entry* entry = GetEntry(key)) {
      problems_.Add(entry->key_at, Path(key) + " is not supported yet", std::string(hint),
                    ProblemKind::kUnsupported);
    }
  }

  /// Every key nobody asked for is a problem. Call it last.
  void Close() {
    for (const Entry& entry : node_.entries) {
      if (known_.contains(entry.key)) continue;
      // A hundred thousand unknown keys would be compared for hints that nobody gets to see.
      std::string near = problems_.full() ? "" : Nearest(entry.key, known_);
      problems_.Add(entry.key_at, "unknown key `" + Path(entry.key) + "`",
                    near.empty() ? "known here: " + KnownKeys() : "did you mean `" + near + "`?",
                    ProblemKind::kUnknownKey);
    }
  }

 private:
  std::optional<std::string> TextOf(const Node* node, std::string_view key) {
    return node == nullptr ? std::nullopt : AsText(*node, Path(key), problems_);
  }
  std::string KnownKeys() const {
    std::string all;
    for (const std::string& key : known_) all += (all.empty() ? "" : ", ") + key;
    return all;
  }

  const Node& node_;
  std::string where_;
  Problems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace dcp::sdk::yaml

#include <dcp/sdk/detail/yaml_parse.h>
