// SPDX-License-Identifier: Apache-2.0
//
// What the programs of this bench share: sizes, samples, and one JSON line a row.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace dcp::bench {

constexpr size_t kSizes[] = {100, size_t{1} << 10, size_t{64} << 10, size_t{1} << 20};

/// Calls of that size in one pass: enough for a 99th percentile, and seconds at most.
constexpr size_t CallsOf(size_t bytes) {
  return bytes <= 1024 ? 4000 : bytes <= (size_t{64} << 10) ? 1500 : 200;
}
constexpr size_t kWarmUp = 100;

class Samples {
 public:
  /// Calls `function` once and keeps how long it took; over `per` operations within it.
  template <typename Function>
  void Time(Function function, size_t per = 1) {
    const auto begin = std::chrono::steady_clock::now();
    function();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    values_.push_back(took.count() / static_cast<double>(per));
  }
  /// One line on stdout; the bench's Python reads it.
  void Print(const char* row, size_t bytes) {
    std::sort(values_.begin(), values_.end());
    std::printf("{\"row\":\"%s\",\"bytes\":%zu,\"p50_us\":%.4f,\"p99_us\":%.4f,\"samples\":%zu}\n",
                row, bytes, At(50), At(99), values_.size());
    std::fflush(stdout);
  }

 private:
  double At(size_t percent) const {
    return values_.empty() ? 0 : values_[(values_.size() - 1) * percent / 100];
  }
  std::vector<double> values_;
};

}  // namespace dcp::bench
