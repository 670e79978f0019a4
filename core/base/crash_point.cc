// SPDX-License-Identifier: Apache-2.0
#include "base/crash_point.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/id.h"
#include "base/mutex.h"

namespace dcp::crash {
namespace {

constexpr Point kPoints[] = {
#define DCP_CRASH_POINT_NAME(name, where) {name, where},
#include "base/crash_points.inc"
#undef DCP_CRASH_POINT_NAME
};

std::atomic<int> left = 0;  // passes until death, that one included
Mutex launcher_mutex;
std::string for_launcher DCP_GUARDED_BY(launcher_mutex);

}  // namespace

void PassedArmed() {
  if (left.fetch_sub(1) != 1) return;
  if (const char* witness = std::getenv(kWitness)) {  // NOLINT: nobody changes the environment
    ::close(::open(witness, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  // As from outside: no destructor, no handler, no flushed buffer.
  static_cast<void>(::kill(::getpid(), SIGKILL));
  ::pause();  // the signal is on its way
}

std::span<const Point> Points() { return kPoints; }

Status Arm(std::string_view text) {
  const size_t colon = text.rfind(':');
  const std::string_view name = text.substr(0, colon);
  int count = 1;
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc() || end != digits.data() + digits.size() || count < 1) {
      return InvalidArgument(std::string(kVariable) + ": \"" + std::string(digits) +
                             "\" is no number of passes")
          .WithHint("write NAME, or NAME:N with N from 1");
    }
  }
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] != name) continue;
    left = count;
    armed = static_cast<int>(i);
    if (name.starts_with(kLauncherPrefix)) {
      const MutexLock lock(launcher_mutex);
      for_launcher = text;
    }
    return {};
  }
  const std::string near = Nearest(std::string(name), kNames);
  return InvalidArgument(std::string(kVariable) + ": there is no crash point \"" +
                         std::string(name) + "\"")
      .WithHint(near.empty() ? "`dcpd --crash-points` lists them" : "did you mean " + near + "?");
}

Status ArmFromEnvironment() {
  const char* text = std::getenv(kVariable);  // NOLINT: before any thread exists
  return text == nullptr || *text == '\0' ? Status() : Arm(text);
}

std::vector<std::pair<std::string, std::string>> TakeForLauncher() {
  const MutexLock lock(launcher_mutex);
  if (for_launcher.empty()) return {};
  std::vector<std::pair<std::string, std::string>> environment = {
      {kVariable, std::exchange(for_launcher, std::string())}};
  if (const char* witness = std::getenv(kWitness)) {  // NOLINT: nobody changes the environment
    environment.emplace_back(kWitness, witness);
  }
  return environment;
}

}  // namespace dcp::crash
