// SPDX-License-Identifier: Apache-2.0
//
// YAML configuration as typed settings. Unknown and duplicate keys, wrong types and values out of
// bounds are errors with file:line:column. Reading never fails on the spot: a wrong value reads as
// its fallback, and Finish() tells what was wrong, so the code that fills settings stays flat.
//
//   DCP_ASSIGN(Reader reader, Reader::Parse(text, "dcpd.yaml", resolve));
//   Section root = reader.root();
//   Section api = root.Sub("api");
//   settings.socket = api.Text("socket");                           // required
//   settings.calls = api.Int("maxConcurrent", {1, 512}, 64);        // optional, bounded
//   settings.ttl = api.Duration("ttl", {1min, 14 * 24h}, 72h);      // "72h", "15m", "500ms", "14d"
//   settings.cache = api.Bytes("cache", {0, 1 << 30}, 64 << 20);    // "64MiB"
//   for (auto& [name, plugin] : root.Sub("plugins").Sections()) {   // a map of maps
//     settings.plugins.push_back({name, plugin.Text("path"), plugin.Json("config")});
//   }
//   DCP_TRY(reader.Finish());  // the first mistake; asked-for keys are the known ones
//
// `${name}` in a text is replaced by what the resolver answers; `$${` stands for `${`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dcp::config {

/// What stands for `${reference}`. A failure is reported at the value that holds it.
using Resolver = std::function<Result<std::string>(const std::string& reference)>;

/// Whether a reference stays one, since what it stands for is not to be in memory yet.
using Late = std::function<bool(const std::string& reference)>;

/// Where the parts of a value were written, by JSON pointer ("" is the value itself).
struct Place {
  Location key;  ///< of a list's item: the item
  Location value;
};
using Places = std::map<std::string, Place>;

struct IntBounds {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};
struct DurationBounds {
  std::chrono::milliseconds min{0};
  std::chrono::milliseconds max = std::chrono::hours(24 * 366);
};

/// One map of the configuration. An absent one is empty: optional keys read as their fallbacks,
/// required ones are missed. Cheap to copy; lives no longer than its Reader.
class Section {
 public:
  bool Present() const { return node_ != nullptr; }
  bool Has(std::string_view key) const;
  /// Names of the keys, in the order written.
  std::vector<std::string> Keys() const;

  // A getter without a fallback makes its key required.
  std::string Text(std::string_view key, std::optional<std::string> fallback = std::nullopt) const;
  /// One of `choices`; an error names the nearest.
  std::string Choice(std::string_view key, const std::vector<std::string>& choices,
                     std::optional<std::string> fallback = std::nullopt) const;
  int64_t Int(std::string_view key, IntBounds bounds = {},
              std::optional<int64_t> fallback = std::nullopt) const;
  bool Bool(std::string_view key, std::optional<bool> fallback = std::nullopt) const;
  std::chrono::milliseconds Duration(
      std::string_view key, DurationBounds bounds = {},
      std::optional<std::chrono::milliseconds> fallback = std::nullopt) const;
  int64_t Bytes(std::string_view key, IntBounds bounds = {0},
                std::optional<int64_t> fallback = std::nullopt) const;

  // Collections may be absent: then they are empty.
  std::vector<std::string> Texts(std::string_view key) const;
  std::map<std::string, std::string> TextMap(std::string_view key) const;
  Section Sub(std::string_view key) const;
  std::vector<Section> Subs(std::string_view key) const;
  /// Each key of this section with the map under it.
  std::vector<std::pair<std::string, Section>> Sections() const;
  /// The value as JSON text with references resolved ("{}" when absent): for plugins' own settings.
  std::string Json(std::string_view key) const;
  /// As Json, but references that are `late` stay in their texts, where `$${` then stands for `${`
  /// (base/references.h). The resolver is asked for them too, for mistakes have a place only here.
  std::string Template(std::string_view key, const Late& late) const;
  /// Of the value of a key and of all within it; of the section alone when the key is absent.
  Places PlacesOf(std::string_view key) const;
  /// "plugins.instances[1].config": how messages name the key.
  std::string Path(std::string_view key) const;

  /// Of the key, or of the section when the key is absent.
  Location At(std::string_view key) const;
  /// Reports a mistake of the caller's own finding.
  void Fail(std::string_view key, std::string message, std::string hint = {}) const;

 private:
  friend class Reader;
  struct State;
  Section(State* state, const void* node, std::string path)
      : state_(state), node_(node), path_(std::move(path)) {}

  State* state_;
  const void* node_;  // a YAML node; nullptr when absent
  std::string path_;
};

class Reader {
 public:
  /// `file` is for messages. An empty text is an empty map.
  static Result<Reader> Parse(std::string_view text, std::string file, Resolver resolver = nullptr);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  Section root() const;
  /// The first mistake by its place in the file, and how many more there are. Keys of a section
  /// that was read, and that no getter asked for, are mistakes.
  Status Finish();
  /// Every mistake, by place.
  std::vector<Status> FinishAll();

 private:
  explicit Reader(std::unique_ptr<Section::State> state);
  std::unique_ptr<Section::State> state_;
};

}  // namespace dcp::config
