// SPDX-License-Identifier: Apache-2.0
//
// What stands between the C ABI and an author's class: the tables, the threads that run the calls
// of an instance, and the barrier that no exception passes. Included by dcp/sdk/plugin.h alone.
#pragma once

#include <dcp/plugin.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace dcp::sdk {

namespace detail {

inline int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace detail

inline int64_t Call::RemainingMs(int64_t none) const {
  const int64_t deadline = host_.deadline_ns(call_);
  if (deadline == 0) return none;
  return std::max<int64_t>(0, (deadline - detail::MonotonicNs()) / 1'000'000);
}

// `wake` runs under the lock: once OnCancel({}) has returned, it neither runs nor will run.
inline void Call::OnCancel(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  if (wake_ && cancel_seen_) wake_();
}

/// The tables for a class C derived from Instance.
class Runtime {
 public:
  /// Calls that may wait for a thread of one instance. A host has far fewer open; beyond it a call
  /// is refused at once rather than left to its deadline.
  static constexpr size_t kQueueMax = 1024;
  /// Threads of the host that one instance uses: what every host of ABI 1.1 has.
  static constexpr size_t kPostedMax = 16;

  template <class C>
  static const dcp_plugin_api* Table() {
    static_assert(C::kThreads >= 1, "kThreads must be at least 1");
    static const dcp_plugin_api table = {
      DCP_PLUGIN_API_SIZE,
      DCP_ABI_MINOR,
      0,  // works with every host of this major
      DCP_FLAG_PARALLEL,
      {dcp_manifest_data, dcp_manifest_size},
      &Validate<C>,
      &Create<C>,
      &Destroy,
      &Invoke,
      &Cancel,
      &Extension,
#if DCP_TARGET_MINOR >= 1
      &Drain,
#endif
    };
    return &table;
  }

 private:
  /// One accepted call, from invoke() to complete().
  struct Item {
    Item(const dcp_host_api& host, dcp_call* c, std::string_view m, std::string_view r)
        : call(host, c), handle(c), method(m), request(r) {}
    Call call;
    dcp_call* handle;
    std::string method;
    std::string request;
  };

  /// One instance and the threads that run its calls.
  class Pool {
   public:
    using Encode = std::string (*)(const Error&);

    Pool(const dcp_host_api& host, std::unique_ptr<Instance> instance, Encode encode, int threads)
        : host_(host),
          instance_(std::move(instance)),
          encode_(encode),
          threads_max_(static_cast<size_t>(threads)) {}
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    ~Pool() {
      {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        ready_.notify_all();
        left_.wait(lock, [this] { return posted_ == 0; });
      }
      for (std::thread& thread : threads_) thread.join();
    }

    void Drain() { instance_->Drain(); }

    dcp_code Start(dcp_call* call, std::string_view method, std::string_view request) {
      auto item = std::make_shared<Item>(host_, call, method, request);
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= kQueueMax) return DCP_RESOURCE_EXHAUSTED;
      if (idle_ <= queue_.size() && posted_ + threads_.size() < threads_max_ && !AddThread()) {
        return DCP_RESOURCE_EXHAUSTED;
      }
      live_[call] = item;
      queue_.push_back(std::move(item));
      ready_.notify_one();
      return DCP_OK;
    }

    void Cancel(dcp_call* call) {
      std::shared_ptr<Item> item;
      bool waiting = false;
      {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(call);
        if (found == live_.end()) return;  // it has completed
        item = found->second;
        const auto queued = std::find(queue_.begin(), queue_.end(), item);
        if (queued != queue_.end()) {
          waiting = true;
          queue_.erase(queued);
          live_.erase(found);
        }
      }
      if (waiting) {
        Fail(*item, DCP_CANCELLED, "the call was cancelled before it began");
        return;
      }
      const std::lock_guard lock(item->call.mutex_);
      item->call.cancel_seen_ = true;
      if (item->call.wake_) item->call.wake_();
    }

   private:
    /// One of the host's, or else one of our own. False when the machine gives none and there is
    /// none yet. Under mutex_.
    bool AddThread() {
      if (PostWork()) return true;
      try {
        threads_.emplace_back([this] { Work(); });
        return true;
      } catch (...) {
        return posted_ + threads_.size() > 0;
      }
    }

    /// Under mutex_, which the posted function takes first: it cannot overtake the count.
    bool PostWork() {
#if DCP_TARGET_MINOR >= 1
      if (posted_ >= kPostedMax || !DCP_HAS(&host_, dcp_host_api, post)) return false;
      const auto work = [](void* self) { static_cast<Pool*>(self)->WorkPosted(); };
      if (host_.post(host_.host, work, this) != DCP_OK) return false;
      ++posted_;
      return true;
#else
      return false;
#endif
    }

    /// On a thread of the host, which is given back as soon as nothing waits.
    void WorkPosted() noexcept {
      std::unique_lock lock(mutex_);
      while (!queue_.empty()) RunNext(lock);
      --posted_;
      left_.notify_all();
    }

    void Work() noexcept {
      std::unique_lock lock(mutex_);
      for (;;) {
        ++idle_;
        ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;  // stopping, and nothing left
        RunNext(lock);
      }
    }

    void RunNext(std::unique_lock<std::mutex>& lock) noexcept {
      const std::shared_ptr<Item> item = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      Run(item);
      lock.lock();
    }

    void Run(const std::shared_ptr<Item>& item) noexcept {
      try {
        if (item->call.Cancelled()) return Fail(item, DCP_CANCELLED, "the call was cancelled");
        if (item->call.RemainingMs(1) == 0) {
          return Fail(item, DCP_DEADLINE_EXCEEDED,
                      "the deadline passed while the call waited for a thread of the plugin");
        }
        Outcome<std::string> outcome = instance_->Invoke(item->method, item->request, item->call);
        if (outcome.ok()) return Complete(item, DCP_OK, outcome.value());
        const dcp_code code = outcome.error().code;
        Complete(item, code == DCP_OK ? DCP_UNKNOWN : code, encode_(outcome.error()));
      } catch (const std::exception& e) {
        Fail(item, DCP_INTERNAL, "the plugin threw in " + item->method + ": " + e.what());
      } catch (...) {
        Fail(item, DCP_INTERNAL, "the plugin threw in " + item->method);
      }
    }

    void Fail(const std::shared_ptr<Item>& item, dcp_code code, std::string message) {
      Forget(item);
      Fail(*item, code, std::move(message));
    }

    void Fail(Item& item, dcp_code code, std::string message) noexcept {
      try {
        Error error;
        error.code = code;
        error.message = std::move(message);
        host_.complete(item.handle, code, View(encode_(error)));
      } catch (...) {
        host_.complete(item.handle, code, View({}));  // no memory for words; the code stands
      }
    }

    void Complete(const std::shared_ptr<Item>& item, dcp_code code, const std::string& body) {
      Forget(item);
      host_.complete(item->handle, code, View(body));
    }

    /// A cancel() that comes from here on finds nothing; one that is under way has its own hold on
    /// the item, and the host keeps the call itself alive.
    void Forget(const std::shared_ptr<Item>& item) {
      {
        const std::lock_guard lock(item->call.mutex_);
        item->call.wake_ = nullptr;
      }
      const std::lock_guard lock(mutex_);
      live_.erase(item->handle);
    }

    const dcp_host_api& host_;
    const std::unique_ptr<Instance> instance_;
    const Encode encode_;
    const size_t threads_max_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::shared_ptr<Item>> queue_;
    std::map<dcp_call*, std::shared_ptr<Item>> live_;
    std::condition_variable left_;
    std::vector<std::thread> threads_;
    size_t posted_ = 0;  ///< threads of the host that work here or are about to
    size_t idle_ = 0;
    bool stopping_ = false;
  };

  static Pool& PoolOf(dcp_instance* self) { return *reinterpret_cast<Pool*>(self); }

  static dcp_code SetError(const dcp_host_api* host, dcp_code code,
                           std::string_view text) noexcept {
    if (code == DCP_OK) code = DCP_UNKNOWN;
    host->set_error(host->host, code, View(text));
    return code;
  }

  /// Runs C::Create; on failure tells the host why and returns an empty pointer with the code.
  template <class C>
  static std::unique_ptr<Instance> Make(const dcp_host_api* host, dcp_bytes config,
                                        dcp_code& code) noexcept {
    code = DCP_OK;
    try {
      auto outcome = C::Create(Text(config));
      if (outcome.ok() && outcome.value() != nullptr) return std::move(outcome.value());
      if (outcome.ok()) {
        code = SetError(host, DCP_INTERNAL, "the plugin made no instance and gave no reason");
        return nullptr;
      }
      const Error& error = outcome.error();
      std::string text = error.message;
      if (!error.hint.empty()) text += " (hint: " + error.hint + ")";
      code = SetError(host, error.code, text);
    } catch (const std::exception& e) {
      code = SetError(host, DCP_INTERNAL, e.what());
    } catch (...) {
      code = SetError(host, DCP_INTERNAL, "the plugin threw while it was created");
    }
    return nullptr;
  }

  template <class C>
  static dcp_code Validate(const dcp_host_api* host, dcp_bytes config) noexcept {
    dcp_code code = DCP_OK;
    (void)Make<C>(host, config, code);
    return code;
  }

  template <class C>
  static dcp_code Create(const dcp_host_api* host, dcp_bytes config, dcp_instance** out) noexcept {
    dcp_code code = DCP_OK;
    std::unique_ptr<Instance> instance = Make<C>(host, config, code);
    if (!instance) return code;
    try {
      auto pool = std::make_unique<Pool>(
          *host, std::move(instance), [](const Error& error) { return C::EncodeError(error); },
          C::kThreads);
      *out = reinterpret_cast<dcp_instance*>(pool.release());
      return DCP_OK;
    } catch (...) {
      return SetError(host, DCP_RESOURCE_EXHAUSTED, "no memory for an instance");
    }
  }

  static void Destroy(dcp_instance* self) noexcept { delete &PoolOf(self); }

  static dcp_code Invoke(dcp_instance* self, dcp_call* call, dcp_bytes method,
                         dcp_bytes request) noexcept {
    try {
      return PoolOf(self).Start(call, Text(method), Text(request));
    } catch (...) {
      return DCP_RESOURCE_EXHAUSTED;
    }
  }

  static void Cancel(dcp_instance* self, dcp_call* call) noexcept {
    try {
      PoolOf(self).Cancel(call);
    } catch (...) {
      // The hint is lost; the call still sees it when it asks Cancelled().
    }
  }

  static void Drain(dcp_instance* self) noexcept {
    try {
      PoolOf(self).Drain();
    } catch (...) {
      // What it would have cut short takes its time.
    }
  }

  static const void* Extension(const char* /*id*/) noexcept { return nullptr; }
};

}  // namespace dcp::sdk
