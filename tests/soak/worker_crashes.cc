// SPDX-License-Identifier: Apache-2.0
//
// 1,000 crashes of a worker under 8 callers: each open call is answered within 100 ms, nothing is
// left
#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "soak.h"

namespace dcp::soak {
namespace {

constexpr int64_t kAnsweredWithinNs = 100'000'000;
/// Calls that are answered between two crashes: the worker is at work when it dies.
constexpr int64_t kCallsBetween = 2 * kCallers;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// How long ago the plugin died, by its own last words; nothing without them.
std::optional<int64_t> SinceCrash(const std::string& message, int64_t now) {
  static const std::string words = "crashed at ";
  const size_t at = message.find(words);
  if (at == std::string::npos) return std::nullopt;
  return now - std::strtoll(message.c_str() + at + words.size(), nullptr, 10);
}

/// The answers to calls that were open when the worker died.
class Answers {
 public:
  explicit Answers(Failures& failures) : failures_(failures) {}

  void Take(const Status& status) {
    const std::optional<int64_t> late = SinceCrash(status.log_tail(), NowNs());
    if (status.code() != Code::kUnavailable || !late) {
      failures_.Add("a call: " + status.ToString());
      return;
    }
    const std::lock_guard lock(mutex_);
    late_ns_.push_back(*late);
    if (timed_ && *late > kAnsweredWithinNs) {
      failures_.Add("a call was answered " + std::to_string(*late / 1'000'000) +
                    " ms after the crash");
    }
  }
  size_t count() {
    const std::lock_guard lock(mutex_);
    return late_ns_.size();
  }
  double LateMs(size_t percent) {
    const std::lock_guard lock(mutex_);
    if (late_ns_.empty()) return 0;
    std::sort(late_ns_.begin(), late_ns_.end());
    return static_cast<double>(late_ns_[(late_ns_.size() - 1) * percent / 100]) / 1e6;
  }

 private:
  Failures& failures_;
  /// The short form among the tests has other work beside it, and says nothing about time.
  const bool timed_ = std::getenv("PRETZEL_SOAK_UNTIMED") == nullptr;  // NOLINT: before any thread
  std::mutex mutex_;
  std::vector<int64_t> late_ns_;
};

int Run(int64_t crashes) {
  host::Settings settings = SettingsOf("crashes_when_told", SOAK_PLUGINS);
  settings.deaths_max = 1'000'000;  // it is to be started again, however often it dies
  settings.deny_after = 0;          // and the request that kills it is to be let through
  auto started = host::Host::Start(settings);
  if (!started.ok()) {
    std::fprintf(stderr, "worker_crashes: %s\n", started.status().ToString().c_str());
    return 1;
  }
  host::Host& host = **started;
  Failures failures;
  Answers answers(failures);
  std::atomic<int64_t> served{0};
  const auto call = [&](const char* capability, const char* method, const char* request) {
    const auto reply = host.Call({capability, "", "", "", ""}, method, request, {});
    if (!reply.ok()) return answers.Take(reply.status());
    ++served;
  };
  Load load([&] { call("test_backend", "Analyze", R"({"sql":"x"})"); });
  Holdings before;
  const int64_t settled = std::max<int64_t>(1, crashes / 10);
  const SteadyMillis begin = SystemClock().Steady();
  for (int64_t crash = 1; crash <= crashes; ++crash) {
    const int64_t enough = served + kCallsBetween;
    failures.Check(Until([&] { return served >= enough; }), "no call was served for 30 s");
    if (crash == settled) before = Holdings::Take(1);
    const auto reply = host.Call({"resource", "", "", "", ""}, "Compile", R"({"command":"x"})", {});
    failures.Check(!reply.ok(), "the plugin did not crash");
    if (!reply.ok()) answers.Take(reply.status());
    if (crash % settled != 0) continue;
    std::printf("%s\n", Json{{"crashes", crash},
                             {"served", served.load()},
                             {"unavailable", answers.count()},
                             {"failures", failures.count()}}
                            .dump()
                            .c_str());
    std::fflush(stdout);
  }
  const int64_t enough = served + kCallsBetween;
  failures.Check(Until([&] { return served >= enough; }),
                 "no call was served after the last crash");
  const Holdings after = Holdings::Take(1);
  const int64_t took = SystemClock().Steady() - begin;
  load.Stop();
  failures.CheckFlat(before, after);
  failures.Check(host.States().front().restarts == crashes, "there were other deaths beside these");
  started->reset();
  failures.Check(Children() == 0, "a worker has outlived the host");
  return failures.Verdict({{"soak", "worker_crashes"},
                           {"crashes", crashes},
                           {"callers", kCallers},
                           {"settings", {{"deaths_max", settings.deaths_max}, {"deny_after", 0}}},
                           {"served", served.load()},
                           {"unavailable", answers.count()},
                           {"answeredMsP50", answers.LateMs(50)},
                           {"answeredMsP99", answers.LateMs(99)},
                           {"answeredMsMax", answers.LateMs(100)},
                           {"seconds", took / 1000},
                           {"before", before.ToJson()},
                           {"after", after.ToJson()}});
}

}  // namespace
}  // namespace dcp::soak

int main(int argc, char** argv) {
  return dcp::soak::Run(dcp::soak::CountFrom(argc, argv, "--crashes", 1'000));
}
