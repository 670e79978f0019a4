// SPDX-License-Identifier: Apache-2.0
//
// What stands between the C ABI and an author's class: the tables, a small pool of threads for
// each instance, and the barrier that no exception passes. Included by dcp/sdk/plugin.h alone.
#pragma once

#include <dcp/plugin.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace dcp::sdk {

namespace detail {

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none.
inline size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

/// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the result is
/// always valid JSON, whatever a library put into its message.
inline void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 0xF];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

inline int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace detail

inline std::string ErrorToJson(const Error& error) {
  std::string out = "{";
  const auto add = [&out](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (out.size() > 1) out += ',';
    detail::AppendJsonString(out, key);
    out += ':';
    detail::AppendJsonString(out, value);
  };
  add("id", error.id);
  add("message", error.message);
  add("hint", error.hint);
  if (!error.file.empty() || error.line > 0) {
    if (out.size() > 1) out += ',';
    out += "\"location\":{\"file\":";
    detail::AppendJsonString(out, error.file);
    out += ",\"line\":" + std::to_string(error.line);
    out += ",\"column\":" + std::to_string(error.column) + "}";
  }
  return out + "}";
}

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

  template <class C>
  static const dcp_plugin_api* Table() {
    static_assert(C::kThreads >= 1, "kThreads must be at least 1");
    static const dcp_plugin_api table = {
        DCP_SIZE(dcp_plugin_api, extension),
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
        const std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      ready_.notify_all();
      for (std::thread& thread : threads_) thread.join();
    }

    dcp_code Start(dcp_call* call, std::string_view method, std::string_view request) {
      auto item = std::make_shared<Item>(host_, call, method, request);
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= kQueueMax) return DCP_RESOURCE_EXHAUSTED;
      if (idle_ <= queue_.size() && threads_.size() < threads_max_ && !AddThread()) {
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
    /// False when the machine gives no thread and there is none yet. Under mutex_.
    bool AddThread() {
      try {
        threads_.emplace_back([this] { Work(); });
        return true;
      } catch (...) {
        return !threads_.empty();
      }
    }

    void Work() noexcept {
      std::unique_lock lock(mutex_);
      for (;;) {
        ++idle_;
        ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;  // stopping, and nothing left
        const std::shared_ptr<Item> item = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        Run(item);
        lock.lock();
      }
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
    std::vector<std::thread> threads_;
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

  static const void* Extension(const char* /*id*/) noexcept { return nullptr; }
};

}  // namespace dcp::sdk
