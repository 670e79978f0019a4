// SPDX-License-Identifier: Apache-2.0
//
// For the simulation: what plugins answer that work. A plugin is a function: asked again, it
// answers the same.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace dcp::graph {

using nlohmann::json;

inline constexpr char kProcessAnswer[] =
    R"({"process":{"argv":["/bin/job"],"files":[{"path":"a","content":"YQ=="}],
        "resultFile":"result.json"}})";
inline constexpr char kCancelledJob[] = R"({"state":"JOB_CANCELLED"})";
inline constexpr int kNodesMax = 7;

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  /// 0 .. n-1
  int Roll(int n) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(random_() % static_cast<uint64_t>(n));
  }
  bool Percent(int chance) { return Roll(100) < chance; }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
};

class PluginAnswers {
 public:
  explicit PluginAnswers(uint64_t seed) : seed_(seed) {}

  /// Random, and the same for the same node of the same run.
  Dice DiceOf(const std::string& what) const {
    return Dice(std::hash<std::string>()(what) ^ (seed_ * 0x9E3779B97F4A7C15U));
  }

  std::string Graph(const Invocation& call) const {
    Dice dice = DiceOf(call.run_id + call.node_id);
    if (call.method == "Continue" && !dice.Percent(15)) {
      return dice.Percent(80) ? R"({"report":{"status":"SUCCEEDED"}})"
                              : R"({"report":{"status":"FAILED"}})";
    }
    if (dice.Percent(3)) return R"({"needsFiles":{"paths":["a.sql"]}})";
    if (dice.Percent(3)) return "{";
    json nodes = json::array();
    std::vector<std::string> ids;
    const int count = 1 + dice.Roll(kNodesMax);
    for (int i = 0; i < count; ++i) {
      const std::string id = call.node_id + "." + std::to_string(i);
      json node = {{"id", id}, {"after", json::array()}, {"always", dice.Percent(30)}};
      for (const std::string& other : ids) {
        if (dice.Percent(30)) node["after"].push_back(other);
      }
      if (dice.Percent(1)) node["after"].push_back(dice.Percent(50) ? id : "nobody");
      const std::string table = "ns.t" + std::to_string(dice.Roll(20));
      static constexpr const char* kKinds[][2] = {
          {"catalog", "EnsureTable"},  {"catalog", "Receipt"},    {"playground", "Register"},
          {"test_backend", "Analyze"}, {"run_backend", "Submit"}, {"run_backend", "Submit"},
          {"resource", "Continue"},    {"run_backend", "Nothing"}};
      const auto& kind = kKinds[dice.Roll(8)];
      node["capability"] = kind[0];
      node["method"] = kind[1];
      node["request"] = {{"table", table}, {"job", {{"table", "prod." + table}, {"sql", "s"}}}};
      nodes.push_back(node);
      ids.push_back(id);
    }
    return json{{"graph", {{"nodes", nodes}}}}.dump();
  }

  /// Check's answer for a job that has ended by itself.
  static std::string End(Dice&& dice) {
    if (dice.Percent(70)) return R"({"state":"JOB_SUCCEEDED","result":{"rows":"3"}})";
    return dice.Percent(50) ? R"({"state":"JOB_FAILED","retryable":true})"
                            : R"({"state":"JOB_FAILED","findings":[{"message":"no"}]})";
  }

 private:
  const uint64_t seed_;
};

}  // namespace dcp::graph
