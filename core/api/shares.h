// SPDX-License-Identifier: Apache-2.0
//
// What one principal has of something that there is only so much of. Internal to the room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"

namespace dcp::api {

/// The id of an error that says "not now": a client that waits anyway asks again.
inline constexpr char kAtOnceId[] = "PZ0911";

/// [any]
class Shares {
 public:
  /// Given back with its last copy.
  using Place = std::shared_ptr<const void>;

  /// `what` and `setting` are for the error: "calls under way", "api.calls_per_principal".
  Shares(std::string what, std::string setting)
      : what_(std::move(what)), setting_(std::move(setting)), counts_(std::make_shared<Counts>()) {}

  Result<Place> Take(const std::string& principal, int max) {
    const MutexLock lock(counts_->mutex);
    int& count = counts_->of[principal];
    if (count >= max) {
      return ResourceExhausted("you have " + std::to_string(count) + " " + what_ +
                               ", the most at a time")
          .WithId(kAtOnceId)
          .WithHint("try again when one of them has ended; " + setting_ +
                    " of dcpd's configuration is the limit");
    }
    ++count;
    return Place(nullptr, [counts = counts_, principal](const void*) {
      const MutexLock inner(counts->mutex);
      const auto own = counts->of.find(principal);
      if (--own->second == 0) counts->of.erase(own);
    });
  }

 private:
  struct Counts {
    Mutex mutex;
    std::map<std::string, int> of DCP_GUARDED_BY(mutex);
  };
  const std::string what_;
  const std::string setting_;
  const std::shared_ptr<Counts> counts_;  ///< outlives this for places that are given back late
};

}  // namespace dcp::api
