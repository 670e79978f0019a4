// SPDX-License-Identifier: Apache-2.0
//
// Named places at which a process can be told to die as if it were killed: before and after what it
// stores, and between what it stored and what that is for. tests/crash walks all of them. They are
// in every build, because what is tested is what is shipped; unarmed, one costs the comparison of
// an integer.
//
//   DCP_CRASH_POINT("job.launched.after_commit");
//
// The names stand in crash_points.inc; one that does not stand there does not compile, and
// unit.tidy finds one there that is used nowhere.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dcp::crash {

/// Arms one point of this process: "NAME", or "NAME:N" for the N-th time it is passed. Read by the
/// program's main(), once, before there are threads.
inline constexpr char kVariable[] = "PRETZEL_CRASH_POINT";
/// A file that is made at the moment of death, so that a test knows that there was one.
inline constexpr char kWitness[] = "PRETZEL_CRASH_WITNESS";
/// Points of the program that stays beside a job: the daemon hands these to the first one it
/// starts.
inline constexpr std::string_view kLauncherPrefix = "launcher.";

inline constexpr std::array kNames = std::to_array<std::string_view>({
#define DCP_CRASH_POINT_NAME(name, where) name,
#include "base/crash_points.inc"
#undef DCP_CRASH_POINT_NAME
});

consteval int IndexOf(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<int>(i);
  }
  throw "this name does not stand in base/crash_points.inc";  // never run: it stops the compiler
}

inline constexpr int kNone = -1;
inline int armed = kNone;  // set before there are threads, and never again

/// Counts, and kills this process with SIGKILL at the time that was asked for.
void PassedArmed();

inline void Passed(int point) {
  if (point == armed) [[unlikely]] {
    PassedArmed();
  }
}

/// Every name with the words that say where it is.
struct Point {
  std::string_view name;
  std::string_view where;
};
std::span<const Point> Points();

/// Arms what kVariable asks for, if it is set. INVALID_ARGUMENT for an unknown name or a count that
/// is none.
Status ArmFromEnvironment();
Status Arm(std::string_view text);
/// What to add to the next launcher's environment: once, and only when one of its points is asked
/// for; else nothing. [any]
std::vector<std::pair<std::string, std::string>> TakeForLauncher();

}  // namespace dcp::crash

#define DCP_CRASH_POINT(name) \
  ::dcp::crash::Passed(::std::integral_constant<int, ::dcp::crash::IndexOf(name)>::value)
