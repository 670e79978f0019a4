// SPDX-License-Identifier: Apache-2.0
//
// Requests that workers of one instance die of. A caller who tries again, and again, must not take
// the plugin from everybody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"

namespace dcp::host {

/// Requests remembered; the one that was seen longest ago makes room.
constexpr size_t kSuspectsMax = 256;

class DenyList {
 public:
  /// `deaths_max` deaths make a request denied; 0: none ever is.
  explicit DenyList(int deaths_max) : deaths_max_(deaths_max) {}

  /// FAILED_PRECONDITION for a request that is denied. Costs nothing while no request is suspect.
  /// [any]
  Status Check(std::string_view method, std::string_view request);
  /// It was open when a worker, whose life is named by an object of its own, died of `reason`.
  /// Several requests may have been, and several calls of one, which count as one death; those that
  /// were not to blame are answered sooner or later. True when this death made it denied. [any]
  bool Died(const std::shared_ptr<const void>& life, std::string_view method,
            std::string_view request, const std::string& reason);
  /// The plugin answered it, with whatever. [any]
  void Answered(std::string_view method, std::string_view request);
  void Clear();  ///< [any]

 private:
  struct Suspect {
    std::string digest;
    int deaths = 0;
    std::string reason;              ///< of the last
    std::weak_ptr<const void> life;  ///< that ended then
  };
  std::list<Suspect>::iterator Find(const std::string& digest) DCP_REQUIRES(mutex_);

  const int deaths_max_;
  std::atomic<bool> any_{false};
  Mutex mutex_;
  std::list<Suspect> suspects_ DCP_GUARDED_BY(mutex_);  ///< newest first
};

}  // namespace dcp::host
