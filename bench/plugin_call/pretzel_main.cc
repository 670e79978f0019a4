// SPDX-License-Identifier: Apache-2.0
//
// Pretzel's own rows of the bench, and the bare ping-pong that the worker's are held against.
// Rounds go through the contenders in turn, so that a noisy moment is no contender's own.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>

#include "plugin_call/contenders.h"
#include "plugin_call/measure.h"

namespace dcp::bench {
namespace {

constexpr size_t kRounds = 10;
/// One reading of the clock would be most of a call through the table.
constexpr size_t kBatch = 1000;
constexpr size_t kBatchBytesMax = size_t{64} << 20;
constexpr size_t kEvents = 100'000;
constexpr size_t kEventBytes = 100;
constexpr size_t kEventCalls = 20;

bool Round(const Call& call, size_t calls, size_t batch, Samples& samples) {
  bool good = true;
  for (size_t i = 0; i < calls && good; ++i) {
    samples.Time(
        [&] {
          for (size_t each = 0; each < batch && good; ++each) good = call();
        },
        batch);
  }
  return good;
}

/// All contenders at one size.
bool Compare(const std::map<std::string, Call>& contenders, size_t bytes) {
  std::map<std::string, Samples> samples;
  for (size_t round = 0; round <= kRounds; ++round) {
    for (const auto& [row, call] : contenders) {
      if (!call) return false;
      const bool batched = row == "in_process_table" || row == "in_process_runtime";
      const size_t batch =
          batched ? std::max<size_t>(1, std::min(kBatch, kBatchBytesMax / bytes / 16)) : 1;
      const size_t calls = batched ? 20 : CallsOf(bytes) / kRounds;
      Samples warm_up;
      if (!Round(call, round == 0 ? kWarmUp : calls, batch, round == 0 ? warm_up : samples[row])) {
        std::fprintf(stderr, "bench_plugin_echo: %s of %zu bytes failed\n", row.c_str(), bytes);
        return false;
      }
    }
  }
  for (auto& [row, each] : samples) each.Print(row.c_str(), bytes);
  return true;
}

bool Events(Worker& worker) {
  Samples samples;
  for (size_t i = 0; i <= kEventCalls; ++i) {
    bool good = false;
    Samples warm_up;
    (i == 0 ? warm_up : samples).Time([&] { good = worker.Events(kEvents); }, kEvents);
    if (!good) return false;
  }
  samples.Print("worker_event", kEventBytes);
  return true;
}

int Run() {
  std::map<size_t, Call> ping_pongs;  // first: they are forked
  for (const size_t bytes : kSizes) ping_pongs[bytes] = PingPong(bytes);
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("pretzel-bench-" + std::to_string(getpid())))
          .string();
  bool good = true;
  {
    const auto worker = Worker::Start();
    const auto in_worker = StartHost(host::kIsolationWorker, folder);
    const auto in_process = StartHost(host::kIsolationInProcess, folder);
    good = worker && in_worker && in_process;
    for (const size_t bytes : kSizes) {
      if (!good) break;
      const std::string request(bytes, 'x');
      good = Compare({{"ping_pong", ping_pongs[bytes]},
                      {"worker_call", [&] { return worker->Echo(request); }},
                      {"worker_host_call", HostCall(in_worker, bytes)},
                      {"in_process_table", Table(bytes)},
                      {"in_process_runtime", Runtime(bytes)},
                      {"in_process_host_call", HostCall(in_process, bytes)}},
                     bytes);
    }
    good = good && Events(*worker);
  }
  std::filesystem::remove_all(folder);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace dcp::bench

int main() { return dcp::bench::Run(); }
