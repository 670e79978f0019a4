// SPDX-License-Identifier: Apache-2.0
//
// One open call, between the thread that waits for it and the thread that hears the worker.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "host/worker_process.h"

namespace dcp::host {

struct WorkerProcess::Slot {
  explicit Slot(std::string m) : method(std::move(m)) {}

  void Finish(Reply value) {
    const std::lock_guard lock(mutex);
    if (!reply) reply = std::move(value);
    changed.notify_all();
  }

  const std::string method;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Reply> reply;
  std::deque<std::string> data;         ///< DATA events, in order
  std::optional<std::string> progress;  ///< the newest PROGRESS event
  bool overrun = false;                 ///< more DATA events than anybody took
  int64_t abandoned_ms = 0;             ///< when the caller gave it up
};

}  // namespace dcp::host
