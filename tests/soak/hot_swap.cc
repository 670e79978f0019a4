// SPDX-License-Identifier: Apache-2.0
//
// 10,000 swaps of a plugin's file under 8 callers: no call fails, and no old worker leaves a trace
#include "soak.h"

namespace dcp::soak {
namespace {

namespace fs = std::filesystem;

/// Two files of one plugin with different bytes, and the place where one of them stands.
class Versions {
 public:
  Versions() : folder_(fs::temp_directory_path() / ("pretzel-swap-" + std::to_string(getpid()))) {
    fs::create_directories(folder_ / "plugins");
    for (const char* version : {"a", "b"}) {
      fs::copy_file(fs::path(SOAK_PLUGINS) / "echo.so", folder_ / version);
      std::ofstream(folder_ / version, std::ios::app) << version;
    }
    Put(0);
  }
  ~Versions() { fs::remove_all(folder_); }
  std::string directory() const { return (folder_ / "plugins").string(); }
  /// In one step, as an installer does it.
  void Put(int64_t turn) {
    fs::create_hard_link(folder_ / (turn % 2 == 0 ? "a" : "b"), folder_ / "next");
    fs::rename(folder_ / "next", folder_ / "plugins" / "echo.so");
  }

 private:
  const fs::path folder_;
};

int Run(int64_t swaps) {
  Versions versions;
  const host::Settings settings = SettingsOf("echo", versions.directory());
  auto started = host::Host::Start(settings);
  if (!started.ok()) {
    std::fprintf(stderr, "hot_swap: %s\n", started.status().ToString().c_str());
    return 1;
  }
  host::Host& host = **started;
  Failures failures;
  Load load([&] {
    const auto reply = host.Call({"test_backend", "", "", "", ""}, "Analyze", R"({"sql":"x"})", {});
    if (!reply.ok()) failures.Add("a call: " + reply.status().ToString());
  });
  // Not from the first on: the heap and its arenas take their size in the first rounds.
  const int64_t settled = std::max<int64_t>(1, swaps / 10);
  Holdings before;
  const SteadyMillis begin = SystemClock().Steady();
  for (int64_t swap = 1; swap <= swaps; ++swap) {
    versions.Put(swap);
    const auto reloaded = host.Reload(settings, nullptr);
    if (!reloaded.ok()) {
      failures.Add("swap " + std::to_string(swap) + ": " + reloaded.status().ToString());
    } else if (reloaded->restarted != std::vector<std::string>{"it"}) {
      failures.Add("swap " + std::to_string(swap) + " made no new worker");
    }
    if (swap == settled) before = Holdings::Take(1);
    if (swap % settled != 0 || swap == swaps) continue;
    std::printf("%s\n", Json{{"swaps", swap},
                             {"calls", load.calls()},
                             {"failures", failures.count()},
                             {"holds", Holdings::Take(1).ToJson()}}
                            .dump()
                            .c_str());
    std::fflush(stdout);
  }
  const Holdings after = Holdings::Take(1);
  const int64_t took = SystemClock().Steady() - begin;
  load.Stop();
  failures.CheckFlat(before, after);
  failures.Check(load.calls() >= kCallers * std::min<int64_t>(swaps, 100),
                 "there was too little load to show anything");
  started->reset();
  failures.Check(Children() == 0, "a worker has outlived the host");
  return failures.Verdict({{"soak", "hot_swap"},
                           {"swaps", swaps},
                           {"callers", kCallers},
                           {"calls", load.calls()},
                           {"seconds", took / 1000},
                           {"afterSwap", settled},
                           {"before", before.ToJson()},
                           {"after", after.ToJson()}});
}

}  // namespace
}  // namespace dcp::soak

int main(int argc, char** argv) {
  return dcp::soak::Run(dcp::soak::CountFrom(argc, argv, "--swaps", 10'000));
}
