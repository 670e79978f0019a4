// SPDX-License-Identifier: Apache-2.0
#include "cli/split.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

namespace dcp::cli {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

/// What a piece would hold.
struct Load {
  size_t manifests = 0;
  size_t datasets = 0;
  uint64_t bytes = 0;
  size_t files = 0;

  void Add(const Load& other) {
    manifests += other.manifests;
    datasets += other.datasets;
    bytes += other.bytes;
    files += other.files;
  }
  bool Fits(const SplitLimits& limits) const {
    return manifests <= limits.datasets && datasets <= limits.datasets && bytes <= limits.bytes &&
           files <= limits.files;
  }
};

class Splitter {
 public:
  Splitter(const std::vector<Outlined>& manifests, const SplitLimits& limits)
      : manifests_(manifests), limits_(limits), reads_(manifests.size()), root_(manifests.size()) {
    std::iota(root_.begin(), root_.end(), size_t{0});
    Connect();
  }

  Split Run() {
    for (const std::vector<size_t>& set : Sets()) {
      if (const Load load = LoadOf(set); !load.Fits(limits_) && set.size() > 1) {
        if (load.datasets > split_.largest) {
          split_.largest = load.datasets;
          split_.largest_first = set.front();
        }
        Close();
        ++sets_;
        for (const std::vector<size_t>& part : InOrder(set)) Put(part, sets_);
        Close();
      } else {
        Put(set, 0);
      }
    }
    Close();
    return std::move(split_);
  }

 private:
  void Connect() {
    std::unordered_map<uint64_t, std::vector<size_t>> by_name;
    for (size_t i = 0; i < manifests_.size(); ++i) {
      for (const uint64_t name : manifests_[i].defines) by_name[name].push_back(i);
    }
    for (const auto& [name, same] : by_name) {
      // Who defines the same: the run that has both says so, so that each reads the other.
      for (size_t k = 1; k < same.size(); ++k) {
        Join(same[0], same[k]);
        reads_[same[k - 1]].push_back(same[k]);
        reads_[same[k]].push_back(same[k - 1]);
      }
    }
    for (size_t i = 0; i < manifests_.size(); ++i) {
      for (const uint64_t name : manifests_[i].reads) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) continue;
        Join(i, found->second.front());
        if (i != found->second.front()) reads_[i].push_back(found->second.front());
      }
      std::sort(reads_[i].begin(), reads_[i].end());
      reads_[i].erase(std::unique(reads_[i].begin(), reads_[i].end()), reads_[i].end());
    }
  }

  size_t Root(size_t i) {
    while (root_[i] != i) i = root_[i] = root_[root_[i]];
    return i;
  }
  void Join(size_t a, size_t b) {
    a = Root(a);
    b = Root(b);
    root_[std::max(a, b)] = std::min(a, b);  // the first of a set stands for it
  }

  std::vector<std::vector<size_t>> Sets() {
    std::vector<std::vector<size_t>> sets;
    std::vector<size_t> of(manifests_.size(), kNone);
    for (size_t i = 0; i < manifests_.size(); ++i) {
      const size_t root = Root(i);
      if (of[root] == kNone) {
        of[root] = sets.size();
        sets.emplace_back();
      }
      sets[of[root]].push_back(i);
    }
    return sets;
  }

  /// The parts of a set that cannot be torn apart (circles), each behind what it reads. Tarjan's
  /// algorithm, with a stack of its own: a chain may have as many links as a command has manifests.
  std::vector<std::vector<size_t>> InOrder(const std::vector<size_t>& set) {
    struct Frame {
      size_t node;
      size_t next;
    };
    std::vector<std::vector<size_t>> parts;
    std::unordered_map<size_t, size_t> index;
    std::unordered_map<size_t, size_t> low;
    std::unordered_map<size_t, bool> open;
    std::vector<size_t> stack;
    std::vector<Frame> frames;
    const auto enter = [&](size_t node) {
      low[node] = index[node] = index.size();
      open[node] = true;
      stack.push_back(node);
      frames.push_back({node, 0});
    };
    for (const size_t start : set) {
      if (!index.contains(start)) enter(start);
      while (!frames.empty()) {
        Frame& frame = frames.back();
        const size_t node = frame.node;
        if (frame.next < reads_[node].size()) {
          const size_t to = reads_[node][frame.next++];
          if (!index.contains(to)) {
            enter(to);
          } else if (open[to]) {
            low[node] = std::min(low[node], index[to]);
          }
          continue;
        }
        frames.pop_back();
        if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[node]);
        if (low[node] != index[node]) continue;
        parts.emplace_back();
        size_t member = kNone;
        do {
          member = stack.back();
          stack.pop_back();
          open[member] = false;
          parts.back().push_back(member);
        } while (member != node);
      }
    }
    return parts;
  }

  Load LoadOf(const std::vector<size_t>& set) const {
    Load load;
    for (const size_t i : set) {
      load.Add({1, manifests_[i].datasets, manifests_[i].bytes, manifests_[i].files});
    }
    return load;
  }

  void Put(const std::vector<size_t>& part, size_t set) {
    const Load load = LoadOf(part);
    Load both = held_;
    both.Add(load);
    if (!both.Fits(limits_)) Close();
    held_.Add(load);
    open_.set = set;
    open_.datasets += load.datasets;
    open_.manifests.insert(open_.manifests.end(), part.begin(), part.end());
  }
  void Close() {
    if (!open_.manifests.empty()) {
      std::sort(open_.manifests.begin(), open_.manifests.end());
      split_.pieces.push_back(std::move(open_));
    }
    open_ = {};
    held_ = {};
  }

  const std::vector<Outlined>& manifests_;
  const SplitLimits limits_;
  std::vector<std::vector<size_t>> reads_;  ///< by manifest: the ones that it reads
  std::vector<size_t> root_;
  size_t sets_ = 0;
  Load held_;
  Piece open_;
  Split split_;
};

}  // namespace

uint64_t NameHash(std::string_view name, uint64_t before) {
  uint64_t hash = before;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

Split SplitManifests(const std::vector<Outlined>& manifests, const SplitLimits& limits) {
  return Splitter(manifests, limits).Run();
}

}  // namespace dcp::cli
