// SPDX-License-Identifier: Apache-2.0
//
// What base/mutex.h says to clang. As it stands, nothing is wrong with it; with one of the macros
// below, there is one fault, which the analysis must find: otherwise it watches nothing.
#include <chrono>

#include "base/mutex.h"

namespace dcp {
namespace {

class Counter {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    Change(1);
    changed_.notify_all();
  }
  bool Wait() {
    MutexLock lock(mutex_);
    lock.unlock();
    lock.lock();
    return changed_.wait_for(lock, std::chrono::seconds(1),
                             [this]() DCP_REQUIRES(mutex_) { return count_ > 0; });
  }
  bool TryAdd() {
    if (!mutex_.try_lock()) return false;
    const MutexLock lock(mutex_, std::adopt_lock);
    Change(1);
    return true;
  }
#if defined(READS_WITHOUT)
  int Read() const { return count_; }
#elif defined(CALLS_WITHOUT)
  void Reset() { Change(-1); }
#elif defined(KEEPS_IT)
  void Keep() { mutex_.lock(); }
#elif defined(TAKES_IT_TWICE)
  void Twice() {
    const MutexLock lock(mutex_);
    Add();
    const MutexLock again(mutex_);
  }
#elif defined(TOUCHES_AFTER)
  void After() {
    MutexLock lock(mutex_);
    lock.unlock();
    ++count_;
  }
#endif

 private:
  void Change(int by) DCP_REQUIRES(mutex_) { count_ += by; }

  Mutex mutex_;
  CondVar changed_;
  int count_ DCP_GUARDED_BY(mutex_) = 0;
};

}  // namespace
}  // namespace dcp

int main() {
  dcp::Counter counter;
  counter.Add();
  return counter.TryAdd() && counter.Wait() ? 0 : 1;
}
