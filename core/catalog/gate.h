// SPDX-License-Identifier: Apache-2.0
//
// How many calls an upstream gets at once, and whose. What one principal or one playground waits
// for in vain leaves room for the others'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"
#include "catalog/http.h"

namespace dcp::catalog {

/// Calls that wait for one that runs to end: enough for a session that loads its tables in
/// parallel. Each holds a thread.
constexpr int kWaitingCallsMax = 32;
/// How long a call waits at most: longer, the client may as well ask again.
constexpr int64_t kCallWaitMs = 5'000;

/// For whom an upstream is called, and until when the answer is wanted.
struct Caller {
  std::string principal;  ///< "": the daemon itself
  std::string playground;
  Patience patience = {};
};

/// Calls at once.
struct CallLimits {
  int calls = 16;
  int per_principal = 8;
  int per_playground = 4;
};

/// [any]
class Gate {
 public:
  /// One call's place; given back by its end.
  class Pass {
   public:
    Pass(Gate& gate, const Caller& caller)
        : gate_(&gate), principal_(caller.principal), playground_(caller.playground) {}
    Pass(Pass&& other) noexcept { *this = std::move(other); }
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(principal_, other.principal_);
      std::swap(playground_, other.playground_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave(principal_, playground_);
    }

   private:
    Gate* gate_ = nullptr;
    std::string principal_;
    std::string playground_;
  };

  /// `what` is how messages call the upstream: "the production catalog".
  Gate(std::string what, const CallLimits& limits) : what_(std::move(what)), limits_(limits) {}

  /// Waits for a place, the one who has fewest first. UNAVAILABLE when too many wait, or it takes
  /// too long; also as soon as `hopeless` answers an error, which is passed on. block
  Result<Pass> Enter(const Caller& caller, const std::function<Status()>& hopeless);
  /// How many wait now.
  int waiting() const;

 private:
  struct Waiting {
    const Caller& caller;
    bool in = false;
  };
  int RunningOf(const std::string& principal) const DCP_REQUIRES(mutex_);
  bool Fits(const Caller& caller) const DCP_REQUIRES(mutex_);
  void Take(const Caller& caller) DCP_REQUIRES(mutex_);
  void Leave(const std::string& principal, const std::string& playground);
  void LetIn() DCP_REQUIRES(mutex_);
  Status Full(const Caller& caller) const DCP_REQUIRES(mutex_);

  const std::string what_;
  const CallLimits limits_;
  mutable Mutex mutex_;
  CondVar wake_;
  int running_ DCP_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> of_principal_ DCP_GUARDED_BY(mutex_);
  std::map<std::string, int> of_playground_ DCP_GUARDED_BY(mutex_);
  std::list<Waiting*> waiting_ DCP_GUARDED_BY(mutex_);  ///< in the order of their coming
};

}  // namespace dcp::catalog
