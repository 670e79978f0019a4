// SPDX-License-Identifier: Apache-2.0
//
// The parser of yaml.h: yaml-cpp's events become our own tree, so that each key has a place, a
// duplicate is seen, and every limit is checked while the text is read, not afterwards.
#pragma once

#include <dcp/sdk/detail/yaml_surrogates.h>
#include <dcp/sdk/detail/yaml_text.h>
#include <dcp/sdk/yaml.h>  // NOLINT: for readers that start here
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <exception>
#include <map>
#include <sstream>

namespace dcp::sdk::yaml::detail {

/// Ends a parse from inside an event; its problem is recorded already. Never leaves Parse.
struct Stop : std::exception {};

class Builder : public YAML::EventHandler {
 public:
  Builder(const Lines& lines, const Surrogates& surrogates, Problems& problems,
          const Limits& limits)
      : lines_(lines), surrogates_(surrogates), problems_(problems), limits_(limits) {}

  std::vector<NodePtr>& documents() { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    anchors_.clear();
    root_ = nullptr;
    ++begun_;
    if (begun_ > MarkersBefore(mark.line)) {
      Fail(At(mark), "text after the end of the document", "begin another document with `---`");
    }
    if (begun_ > limits_.documents) {
      Fail(At(mark), "more than " + std::to_string(limits_.documents) + " documents");
    }
  }
  void OnDocumentEnd() override {
    if (root_ != nullptr) documents_.push_back(root_);
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = std::make_shared<Node>();
    node->at = At(mark);
    Finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Fail(At(mark), "an alias to a value that holds it", "write the value out");
    }
    Attach(found->second, At(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& parsed) override {
    RefuseTag(mark, tag);
    size_t offset = SkipAnchor(mark);
    const bool quoted = offset < lines_.text().size() && lines_.text()[offset] == '"';
    const std::string value = surrogates_.Restore(parsed, quoted);
    auto node = std::make_shared<Node>();
    node->at = lines_.At(offset);
    node->text = value;
    node->kind = tag == "?" ? CoreKind(value) : Kind::kText;
    node->source = MapScalar(lines_, offset, value);
    Finish(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Kind::kList);
  }
  void OnSequenceEnd() override { CloseTop(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Kind::kMap);
  }
  void OnMapEnd() override { CloseTop(); }

  [[noreturn]] void Fail(Position at, std::string message, std::string hint = {}) {
    problems_.Add(at, std::move(message), std::move(hint), ProblemKind::kSyntax);
    throw Stop();
  }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = 0;
    bool have_key = false;
    std::string key;
    Position key_at;
    std::map<std::string, Position, std::less<>> keys;
  };

  size_t OffsetOf(const YAML::Mark& mark) const { return lines_.Offset(mark.line, mark.column); }
  Position At(const YAML::Mark& mark) const { return lines_.At(OffsetOf(mark)); }

  /// Documents that may have begun by this line: one, and one for each marker with text before it.
  /// Lines only grow from call to call, so each is looked at once.
  size_t MarkersBefore(int line) {
    for (; next_line_ <= line && static_cast<size_t>(next_line_) < lines_.count(); ++next_line_) {
      std::string_view text = lines_.Line(static_cast<size_t>(next_line_));
      bool marker = text == "---" || text.starts_with("--- ") || text.starts_with("---\t");
      if (marker && text_before_) ++documents_allowed_;
      if (marker) {
        text_before_ = true;
        continue;
      }
      size_t first = text.find_first_not_of(" \t");
      if (first != std::string_view::npos && text[first] != '#' && text[first] != '%')
        text_before_ = true;
    }
    return documents_allowed_;
  }
  void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Fail(At(mark), "the YAML tag `" + tag + "` is not supported", "remove it");
  }
  size_t SkipAnchor(const YAML::Mark& mark) const {
    const std::string& text = lines_.text();
    size_t at = OffsetOf(mark);
    if (at < text.size() && text[at] == '&') {
      at = std::min(text.size(), text.find_first_of(" \t\n", at));
      at = std::min(text.size(), text.find_first_not_of(" \t\n", at));
    }
    return at;
  }
  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    RefuseTag(mark, tag);
    if (stack_.size() >= static_cast<size_t>(limits_.depth)) {
      Fail(At(mark), "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->at = At(mark);
    Frame frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }
  void CloseTop() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Finish(std::move(frame.node), frame.anchor);
  }
  void Finish(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
    Position at = node->at;
    NodePtr done = std::move(node);
    if (anchor != 0) anchors_[anchor] = done;
    Attach(done, at);
  }
  void Attach(const NodePtr& node, Position at) {
    seen_ += 1;
    if (seen_ > limits_.nodes || node->weight > limits_.nodes) TooMany(at);
    if (stack_.empty()) {
      root_ = node;
      return;
    }
    Frame& top = stack_.back();
    if (top.node->kind == Kind::kList) {
      AddWeight(top, node, at);
      top.node->items.push_back(node);
    } else if (!top.have_key) {
      TakeKey(top, *node, at);
    } else {
      AddWeight(top, node, at);
      NodePtr value = node;
      if (value->kind == Kind::kNull && value->at.line != top.key_at.line) {
        auto moved = std::make_shared<Node>(*value);  // yaml-cpp puts nothing at the next token
        moved->at = top.key_at;
        value = moved;
      }
      top.node->entries.push_back({std::move(top.key), top.key_at, std::move(value)});
      top.have_key = false;
    }
  }
  void TakeKey(Frame& top, const Node& node, Position at) {
    if (node.kind == Kind::kNull || node.kind == Kind::kList || node.kind == Kind::kMap) {
      Fail(at, "a key must be text, found " + Describe(node));
    }
    if (node.text == "<<") Fail(at, "the merge key `<<` is not supported", "write the keys out");
    top.have_key = true;
    top.key = node.text;
    top.key_at = at;
    auto [first, fresh] = top.keys.emplace(node.text, at);
    if (fresh) return;
    problems_.Add(at, "duplicate key `" + node.text + "`",
                  "it stands in line " + std::to_string(first->second.line) + " already");
  }
  void AddWeight(Frame& top, const NodePtr& node, Position at) {
    top.node->weight += node->weight;
    if (top.node->weight > limits_.nodes) TooMany(at);
  }
  [[noreturn]] void TooMany(Position at) {
    Fail(at, "more than " + std::to_string(limits_.nodes) + " values, aliases expanded");
  }

  const Lines& lines_;
  const Surrogates& surrogates_;
  Problems& problems_;
  const Limits& limits_;
  std::vector<NodePtr> documents_;
  NodePtr root_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  size_t seen_ = 0;
  size_t begun_ = 0;
  int next_line_ = 0;  // the first that MarkersBefore has not seen
  bool text_before_ = false;
  size_t documents_allowed_ = 1;
};

/// A syntax error in words that help: yaml-cpp's own, but for what people meet most.
inline void AddSyntaxProblem(const YAML::ParserException& e, const Lines& lines,
                             Problems& problems) {
  if (e.mark.is_null()) {
    problems.Add({1, 1}, "not valid YAML: " + e.msg);
    return;
  }
  size_t offset = lines.Offset(e.mark.line, e.mark.column);
  std::string_view line = lines.Line(static_cast<size_t>(e.mark.line));
  size_t indent_end = std::min(line.find_first_not_of(" \t"), line.size());
  size_t tab = line.substr(0, indent_end).find('\t');
  if (tab != std::string_view::npos) {
    size_t start = lines.Offset(e.mark.line, 0);
    problems.Add(lines.At(start + tab), "a tab cannot indent YAML", "use spaces");
    return;
  }
  std::string hint;
  if (e.msg.find("illegal map value") != std::string::npos) {
    hint = "quote a text that holds `: `, and check the indentation";
  } else if (e.msg.find("end of map not found") != std::string::npos ||
             e.msg.find("end of sequence not found") != std::string::npos) {
    hint = "check the indentation of this line and the one above";
  }
  problems.Add(lines.At(offset), "not valid YAML: " + e.msg, hint, ProblemKind::kSyntax);
}

}  // namespace dcp::sdk::yaml::detail

namespace dcp::sdk::yaml {

inline std::vector<NodePtr> Parse(std::string_view text, Problems& problems, const Limits& limits) {
  std::optional<detail::Lines> lines = detail::Clean(text, problems, limits);
  if (!lines) return {};
  std::string parsed = lines->text();
  const detail::Surrogates surrogates(parsed);
  detail::Builder builder(*lines, surrogates, problems, limits);
  try {
    std::istringstream stream(parsed);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const detail::Stop&) {  // recorded
  } catch (const YAML::ParserException& e) {
    detail::AddSyntaxProblem(e, *lines, problems);
  } catch (const std::exception& e) {
    problems.Add({1, 1}, std::string("cannot read the YAML: ") + e.what());
  }
  return std::move(builder.documents());
}

inline std::optional<int64_t> AsInt(const Node& node, std::string_view what, Problems& out) {
  auto fail = [&](std::string message, std::string hint) -> std::optional<int64_t> {
    out.Add(node.at, "`" + std::string(what) + "` " + std::move(message), std::move(hint));
    return std::nullopt;
  };
  if (node.kind != Kind::kInt) {
    return fail("must be an integer, found " + Describe(node),
                node.kind == Kind::kText ? "write it without quotes and without a unit" : "");
  }
  std::string_view digits = node.text;
  bool negative = digits[0] == '-';
  if (digits[0] == '-' || digits[0] == '+') digits.remove_prefix(1);
  int base = digits.starts_with("0x") ? 16 : digits.starts_with("0o") ? 8 : 10;
  if (base != 10) digits.remove_prefix(2);
  uint64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  uint64_t max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (error != std::errc() || end != digits.data() + digits.size() || value > max) {
    return fail("does not fit 64 bits: " + node.text, "");
  }
  return static_cast<int64_t>(negative ? 0 - value : value);
}

}  // namespace dcp::sdk::yaml
