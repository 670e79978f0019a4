// SPDX-License-Identifier: Apache-2.0
//
// The threads, and who may run in their place.
#include "host/executor.h"

#include <exception>
#include <thread>
#include <utility>

namespace dcp::host {

Executor::~Executor() {
  const MutexLock lock(state_->mutex);
  state_->closed = true;
  state_->ready.notify_all();
}

bool Executor::Post(std::function<void()> task) {
  State& state = *state_;
  const MutexLock lock(state.mutex);
  if (state.tasks.size() >= kTasksMax) return false;
  if (state.idle <= state.tasks.size() && state.threads < state.threads_max) {
    try {
      std::thread([state = state_] { Work(state); }).detach();
      ++state.threads;
    } catch (const std::exception&) {
      if (state.threads == 0) return false;
    }
  }
  state.tasks.push_back(std::move(task));
  state.ready.notify_one();
  return true;
}

bool Executor::Enter() {
  const MutexLock lock(state_->mutex);
  if (!state_->tasks.empty() || state_->running >= state_->threads_max) return false;
  ++state_->running;
  return true;
}

void Executor::Leave() {
  const MutexLock lock(state_->mutex);
  --state_->running;
  if (!state_->tasks.empty()) state_->ready.notify_one();
}

void Executor::Work(const std::shared_ptr<State>& state) {
  MutexLock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->ready.wait(lock, [&]() DCP_REQUIRES(state->mutex) {
      return state->MayRun() || (state->closed && state->tasks.empty());
    });
    --state->idle;
    if (state->tasks.empty()) return;
    std::function<void()> task = std::move(state->tasks.front());
    state->tasks.pop_front();
    ++state->running;
    lock.unlock();
    task();
    task = nullptr;  // with what it holds, which may be what owns this executor
    lock.lock();
    --state->running;
  }
}

}  // namespace dcp::host
