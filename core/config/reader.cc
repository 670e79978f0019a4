// SPDX-License-Identifier: Apache-2.0
//
// Typed reading of the YAML tree; see reader.h.
#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "config/reader_state.h"

namespace dcp::config {
namespace {

/// "<digits><unit>" as number and unit; nothing when there are no digits or too many.
std::optional<std::pair<int64_t, std::string>> SplitUnit(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  return std::pair(number, std::string(end, text.data() + text.size()));
}

std::optional<int64_t> Scaled(std::string_view text, const std::map<std::string, int64_t>& units) {
  auto split = SplitUnit(text);
  if (!split) return std::nullopt;
  auto unit = units.find(split->second);
  int64_t product = 0;
  if (unit == units.end() || __builtin_mul_overflow(split->first, unit->second, &product)) {
    return std::nullopt;
  }
  return product;
}

std::string ShowMillis(int64_t ms) {
  for (auto [unit, name] :
       {std::pair{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}) {
    if (ms != 0 && ms % unit == 0) return std::to_string(ms / unit) + name;
  }
  return std::to_string(ms) + "ms";
}

/// A key as a step of a JSON pointer.
std::string PointerStep(const std::string& key) {
  std::string step;
  for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return step;
}

}  // namespace

std::string Section::Path(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

bool Section::Has(std::string_view key) const { return state_->Ask(*this, key) != nullptr; }

std::vector<std::string> Section::Keys() const {
  std::vector<std::string> keys;
  if (const yaml::Node* node = State::Of(node_)) {
    for (const yaml::Entry& entry : node->entries) keys.push_back(entry.key);
  }
  return keys;
}

std::string Section::Text(std::string_view key, std::optional<std::string> fallback) const {
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  std::optional<std::string> text = node ? state_->TextOf(*node, Path(key)) : std::nullopt;
  return text ? *text : std::move(fallback).value_or("");
}

std::string Section::Choice(std::string_view key, const std::vector<std::string>& choices,
                            std::optional<std::string> fallback) const {
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  std::optional<std::string> text = node ? state_->TextOf(*node, Path(key)) : std::nullopt;
  if (!text) return std::move(fallback).value_or("");
  if (std::find(choices.begin(), choices.end(), *text) != choices.end()) return *text;
  std::string all;
  for (const std::string& choice : choices) all += (all.empty() ? "" : ", ") + choice;
  std::string near = yaml::Nearest(*text, choices);
  state_->Add(node->at, "`" + Path(key) + "` must be one of " + all + "; found `" + *text + "`",
              near.empty() ? "" : "did you mean `" + near + "`?");
  return fallback.value_or("");
}

int64_t Section::Int(std::string_view key, IntBounds bounds,
                     std::optional<int64_t> fallback) const {
  int64_t otherwise = fallback.value_or(bounds.min > 0 ? bounds.min : 0);
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  if (node == nullptr) return otherwise;
  yaml::Node value = *node;
  if (State::HasReference(*node)) {
    std::optional<std::string> text = state_->Resolve(*node);
    if (!text) return otherwise;
    value.text = *text;
    value.kind = yaml::detail::CoreKind(*text);
  }
  yaml::Problems problems;
  std::optional<int64_t> number = yaml::AsInt(value, Path(key), problems);
  state_->Take(problems);
  if (!number) return otherwise;
  if (*number >= bounds.min && *number <= bounds.max) return *number;
  state_->Add(node->at,
              "`" + Path(key) + "` is " + std::to_string(*number) + "; it must be between " +
                  std::to_string(bounds.min) + " and " + std::to_string(bounds.max),
              "");
  return otherwise;
}

bool Section::Bool(std::string_view key, std::optional<bool> fallback) const {
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  if (node == nullptr) return fallback.value_or(false);
  yaml::Problems problems;
  std::optional<bool> value = yaml::AsBool(*node, Path(key), problems);
  state_->Take(problems);
  return value.value_or(fallback.value_or(false));
}

std::chrono::milliseconds Section::Duration(
    std::string_view key, DurationBounds bounds,
    std::optional<std::chrono::milliseconds> fallback) const {
  static const std::map<std::string, int64_t> kUnits = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  std::chrono::milliseconds otherwise = fallback.value_or(bounds.min);
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  if (node == nullptr) return otherwise;
  std::optional<std::string> text = state_->ScalarOf(*node);
  if (!text && node->kind == yaml::Kind::kText) return otherwise;  // reported by Resolve
  std::optional<int64_t> ms = text ? Scaled(*text, kUnits) : std::nullopt;
  if (!ms) {
    state_->Add(node->at, "`" + Path(key) + "` must be a duration, found " + yaml::Describe(*node),
                "a number and a unit: 500ms, 30s, 15m, 72h or 14d");
    return otherwise;
  }
  if (*ms >= bounds.min.count() && *ms <= bounds.max.count()) return std::chrono::milliseconds(*ms);
  state_->Add(node->at,
              "`" + Path(key) + "` is " + *text + "; it must be between " +
                  ShowMillis(bounds.min.count()) + " and " + ShowMillis(bounds.max.count()),
              "");
  return otherwise;
}

int64_t Section::Bytes(std::string_view key, IntBounds bounds,
                       std::optional<int64_t> fallback) const {
  static const std::map<std::string, int64_t> kUnits = {
      {"", 1},           {"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30},
      {"TiB", 1LL << 40}};
  int64_t otherwise = fallback.value_or(bounds.min > 0 ? bounds.min : 0);
  const yaml::Node* node = state_->Value(*this, key, !fallback);
  if (node == nullptr) return otherwise;
  std::optional<std::string> text = state_->ScalarOf(*node);
  if (!text && node->kind == yaml::Kind::kText) return otherwise;
  std::optional<int64_t> bytes = text ? Scaled(*text, kUnits) : std::nullopt;
  if (!bytes) {
    state_->Add(node->at, "`" + Path(key) + "` must be a size, found " + yaml::Describe(*node),
                "a number and a unit: 512KiB, 64MiB or 2GiB");
    return otherwise;
  }
  if (*bytes >= bounds.min && *bytes <= bounds.max) return *bytes;
  state_->Add(node->at,
              "`" + Path(key) + "` is " + *text + "; it must be between " +
                  std::to_string(bounds.min) + " and " + std::to_string(bounds.max) + " bytes",
              "");
  return otherwise;
}

std::vector<std::string> Section::Texts(std::string_view key) const {
  std::vector<std::string> out;
  const yaml::Node* node = state_->Value(*this, key, false);
  if (node == nullptr) return out;
  if (node->kind != yaml::Kind::kList) {
    state_->Add(node->at, "`" + Path(key) + "` must be a list, found " + yaml::Describe(*node),
                "put each item on a line of its own, after `- `");
    return out;
  }
  for (const yaml::NodePtr& item : node->items) {
    if (auto text = state_->TextOf(*item, Path(key))) out.push_back(*text);
  }
  return out;
}

std::map<std::string, std::string> Section::TextMap(std::string_view key) const {
  std::map<std::string, std::string> out;
  Section map = Sub(key);
  for (const std::string& name : map.Keys()) out[name] = map.Text(name);
  return out;
}

Section Section::Sub(std::string_view key) const {
  const yaml::Node* node = state_->Value(*this, key, false);
  if (node != nullptr && node->kind != yaml::Kind::kMap) {
    state_->Add(
        node->at,
        "`" + Path(key) + "` must be a map of keys and values, found " + yaml::Describe(*node), "");
    node = nullptr;
  }
  if (node != nullptr) state_->asked[node].first = Path(key);  // read: its unknown keys count
  return {state_, node, Path(key)};
}

std::vector<Section> Section::Subs(std::string_view key) const {
  std::vector<Section> out;
  const yaml::Node* node = state_->Value(*this, key, false);
  if (node == nullptr) return out;
  if (node->kind != yaml::Kind::kList) {
    state_->Add(node->at, "`" + Path(key) + "` must be a list, found " + yaml::Describe(*node), "");
    return out;
  }
  for (size_t i = 0; i < node->items.size(); ++i) {
    const yaml::Node* item = node->items[i].get();
    std::string path = Path(key) + "[" + std::to_string(i) + "]";
    if (item->kind == yaml::Kind::kMap) {
      state_->asked[item].first = path;
      out.push_back(Section(state_, item, path));
    } else {
      state_->Add(item->at,
                  "`" + path + "` must be a map of keys and values, found " + yaml::Describe(*item),
                  "");
    }
  }
  return out;
}

std::vector<std::pair<std::string, Section>> Section::Sections() const {
  std::vector<std::pair<std::string, Section>> out;
  for (const std::string& name : Keys()) {
    Section section = Sub(name);
    if (section.Present()) out.emplace_back(name, section);
  }
  return out;
}

std::string Section::Json(std::string_view key) const {
  const yaml::Node* node = state_->Value(*this, key, false);
  std::optional<JsonValue> json = node ? state_->JsonOf(*node, Path(key)) : std::nullopt;
  return json ? json->dump() : "{}";
}

std::string Section::Template(std::string_view key, const Late& late) const {
  const yaml::Node* node = state_->Value(*this, key, false);
  std::optional<JsonValue> json = node ? state_->JsonOf(*node, Path(key), late) : std::nullopt;
  return json ? json->dump() : "{}";
}

Places Section::PlacesOf(std::string_view key) const {
  Places places;
  const yaml::Node* node = State::Of(node_);
  const yaml::Entry* entry = node != nullptr ? node->Find(key) : nullptr;
  if (entry == nullptr) {
    places[""] = {At(key), At(key)};
    return places;
  }
  const auto location = [this](yaml::Position at) {
    return Location{state_->file, at.line, at.column};
  };
  const std::function<void(const yaml::Node&, yaml::Position, const std::string&)> add =
      [&](const yaml::Node& value, yaml::Position key_at, const std::string& pointer) {
        places[pointer] = {location(key_at), location(value.at)};
        for (const yaml::Entry& each : value.entries) {
          add(*each.value, each.key_at, pointer + "/" + PointerStep(each.key));
        }
        for (size_t i = 0; i < value.items.size(); ++i) {
          add(*value.items[i], value.items[i]->at, pointer + "/" + std::to_string(i));
        }
      };
  add(*entry->value, entry->key_at, "");
  return places;
}

Location Section::At(std::string_view key) const {
  const yaml::Node* node = State::Of(node_);
  if (node == nullptr)
    return {state_->file, state_->document->at.line, state_->document->at.column};
  const yaml::Entry* entry = node->Find(key);
  yaml::Position at = entry != nullptr ? entry->value->at : node->at;
  return {state_->file, at.line, at.column};
}

void Section::Fail(std::string_view key, std::string message, std::string hint) const {
  Location at = At(key);
  state_->Add({at.line, at.column}, std::move(message), std::move(hint));
}

Reader::Reader(std::unique_ptr<Section::State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::Parse(std::string_view text, std::string file, Resolver resolver) {
  auto state = std::make_unique<Section::State>();
  state->file = std::move(file);
  state->resolver = std::move(resolver);
  yaml::Problems problems;
  std::vector<yaml::NodePtr> documents = yaml::Parse(text, problems);
  state->Take(problems);
  if (!state->mistakes.empty()) return state->mistakes.front();
  if (documents.size() > 1) {
    state->Add(documents[1]->at, "the configuration must be one document", "remove the `---`");
    return state->mistakes.front();
  }
  auto empty = std::make_shared<yaml::Node>();
  empty->kind = yaml::Kind::kMap;
  empty->at = {1, 1};
  bool nothing = documents.empty() || documents[0]->kind == yaml::Kind::kNull;
  state->document = nothing ? yaml::NodePtr(empty) : documents[0];
  if (state->document->kind != yaml::Kind::kMap) {
    state->Add(state->document->at,
               "the configuration must be a map of keys and values, found " +
                   yaml::Describe(*state->document),
               "");
    return state->mistakes.front();
  }
  state->asked[state->document.get()];
  return Reader(std::move(state));
}

Section Reader::root() const { return {state_.get(), state_->document.get(), ""}; }

std::vector<Status> Reader::FinishAll() {
  for (const auto& [node, asked] : state_->asked) {
    for (const yaml::Entry& entry : node->entries) {
      if (asked.second.contains(entry.key)) continue;
      std::string near = yaml::Nearest(entry.key, asked.second);
      std::string path = asked.first.empty() ? entry.key : asked.first + "." + entry.key;
      std::string known;
      for (const std::string& key : asked.second) known += (known.empty() ? "" : ", ") + key;
      state_->Add(entry.key_at, "unknown key `" + path + "`",
                  near.empty() ? "known here: " + known : "did you mean `" + near + "`?");
    }
  }
  state_->asked.clear();
  std::vector<Status> all = std::move(state_->mistakes);
  state_->mistakes.clear();
  std::stable_sort(all.begin(), all.end(), [](const Status& a, const Status& b) {
    return std::tie(a.location().line, a.location().column) <
           std::tie(b.location().line, b.location().column);
  });
  return all;
}

Status Reader::Finish() {
  std::vector<Status> all = FinishAll();
  if (all.empty()) return Status();
  if (all.size() == 1) return all.front();
  const Status& first = all.front();
  std::string more = " (and " + std::to_string(all.size() - 1) + " more)";
  return Status(first.code(), first.message() + more).At(first.location()).WithHint(first.hint());
}

}  // namespace dcp::config
