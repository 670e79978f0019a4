// SPDX-License-Identifier: Apache-2.0
//
// Recycles the shared test server by session count: what a closed session leaves behind in the
// server (threads, class loaders, catalogs) is small, but never given back.
#pragma once

#include <functional>
#include <string>

#include "base/mutex.h"

namespace dcp::daemon {

/// Counts calls of the test backend and the sessions it says to have opened; when the limit is
/// reached and no call is running, asks once for a new server. [any]
class Recycler {
 public:
  /// `sessions_max` 0: never.
  Recycler(int64_t sessions_max, std::function<void()> recycle)
      : sessions_max_(sessions_max), recycle_(std::move(recycle)) {}

  /// Around each call of the backend.
  void Begin();
  /// `response_json` is the contract's AnalyzeResponse, or empty when the call failed.
  void End(const std::string& response_json);

 private:
  const int64_t sessions_max_;
  const std::function<void()> recycle_;
  Mutex mutex_;
  int running_ DCP_GUARDED_BY(mutex_) = 0;
  int64_t opened_ DCP_GUARDED_BY(mutex_) = 0;       // as last heard
  int64_t opened_then_ DCP_GUARDED_BY(mutex_) = 0;  // at the last recycling
};

}  // namespace dcp::daemon
