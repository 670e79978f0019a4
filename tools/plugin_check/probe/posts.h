// SPDX-License-Identifier: Apache-2.0
//
// Runs what a plugin posts, as a host of ABI 1.1 does.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace dcp::plugin_check {

class Posts {
 public:
  /// False once Finish() has begun, or when too many wait. [any]
  bool Add(void (*run)(void*), void* user);
  /// Takes no more, and returns when all have returned and the threads are gone. blocks
  void Finish();
  /// Takes posts again: a host makes several instances one after another.
  void Begin();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::pair<void (*)(void*), void*>> tasks_;
  std::vector<std::thread> threads_;  ///< started when nobody is idle
  size_t idle_ = 0;
  bool taking_ = false;
};

}  // namespace dcp::plugin_check
