// SPDX-License-Identifier: Apache-2.0
//
// Counting, and reading /proc.
#include "host/metrics.h"

#include <dirent.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace dcp::host {
namespace {

constexpr int64_t kNanosecondsASecond = 1'000'000'000;

/// kDurationBounds as whole nanoseconds: a call compares integers.
std::array<int64_t, kDurationBounds.size()> BoundsInNanoseconds() {
  std::array<int64_t, kDurationBounds.size()> bounds{};
  for (size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = std::llround(kDurationBounds[i] * 1e9);
  }
  return bounds;
}
const auto kBounds = BoundsInNanoseconds();

std::optional<uint64_t> EntriesOf(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = readdir(open.get())) count += entry->d_name[0] == '.' ? 0U : 1U;
  return count;
}

}  // namespace

size_t DurationBucket(int64_t nanoseconds) {
  return static_cast<size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), nanoseconds) -
                             kBounds.begin());
}

void Counters::End(Code code, int64_t nanoseconds) {
  nanoseconds = std::max<int64_t>(nanoseconds, 0);
  const auto number = static_cast<size_t>(code);
  by_code_[number < kCodeCount ? number : static_cast<size_t>(Code::kUnknown)].fetch_add(
      1, std::memory_order_relaxed);
  by_duration_[DurationBucket(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
  nanoseconds_.fetch_add(static_cast<uint64_t>(nanoseconds), std::memory_order_relaxed);
}

Counters::Values Counters::Read() const {
  Values values;
  for (size_t i = 0; i < kCodeCount; ++i) {
    values.by_code[i] = by_code_[i].load(std::memory_order_relaxed);
    values.ended += values.by_code[i];
  }
  values.errors = values.ended - values.by_code[static_cast<size_t>(Code::kOk)];
  for (size_t i = 0; i < kDurationBuckets; ++i) {
    values.by_duration[i] = by_duration_[i].load(std::memory_order_relaxed);
  }
  values.duration_seconds = static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) /
                            static_cast<double>(kNanosecondsASecond);
  // Not a counter of its own, which each call would pay for twice. Relaxed reads may see an end
  // before its beginning.
  const uint64_t begun = begun_.load(std::memory_order_relaxed);
  values.open = begun > values.ended ? begun - values.ended : 0;
  values.queued = std::min(queued_.load(std::memory_order_relaxed), values.open);
  values.restarts = restarts_.load(std::memory_order_relaxed);
  return values;
}

std::optional<ProcessUsage> UsageOf(int64_t pid) {
  if (pid <= 0) return std::nullopt;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream file(folder + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  // The second field is the program's name in parentheses, and may hold any sign, these included.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  std::array<std::string, 22> fields;  // from the third, the state, to the 24th, the pages
  for (std::string& field : fields) rest >> field;
  if (!rest) return std::nullopt;
  const auto number = [&](size_t field) { return std::strtod(fields[field - 3].c_str(), nullptr); };
  ProcessUsage usage;
  usage.cpu_seconds = (number(14) + number(15)) / static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.resident_bytes =
      static_cast<uint64_t>(std::max(0.0, number(24))) * static_cast<uint64_t>(getpagesize());
  usage.open_fds = EntriesOf(folder + "/fd");
  return usage;
}

}  // namespace dcp::host
