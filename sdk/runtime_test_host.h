// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the SDK's runtime drive it with: a host's table of either minor, and a gate
// that holds calls.
#pragma once

#include <dcp/sdk/plugin.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// The host's call, opaque to the plugin.
struct dcp_call {
  std::atomic<int32_t> cancelled{0};
  int64_t deadline_ns = 0;
  std::mutex mutex;
  std::condition_variable changed;
  int completions = 0;
  dcp_code code = -1;
  std::string body;
  std::vector<std::string> events;

  void WaitDone() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return completions > 0; });
  }
  void WaitEvents(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this, count] { return events.size() >= count; });
  }
};

struct dcp_host {
  dcp_code error_code = DCP_OK;
  std::string error;
  std::vector<std::string> lines;
  std::mutex mutex;
  std::vector<std::thread> posted;
  size_t posts_max = SIZE_MAX;  // then it is full
};

namespace dcp::sdk_test {

class FakeHost {
 public:
  explicit FakeHost(int minor) {
    api.struct_size = minor == 0 ? DCP_HOST_API_MIN : DCP_HOST_API_SIZE;
    api.abi_minor = static_cast<uint32_t>(minor);
    api.host = &host;
    api.log = [](dcp_host* h, dcp_level, dcp_call*, dcp_bytes text) {
      h->lines.emplace_back(dcp::sdk::Text(text));
    };
    api.cancelled = [](dcp_call* call) { return call->cancelled.load(); };
    api.deadline_ns = [](dcp_call* call) { return call->deadline_ns; };
    api.emit = [](dcp_call* call, dcp_event, dcp_bytes body) -> dcp_code {
      const std::lock_guard lock(call->mutex);
      call->events.emplace_back(dcp::sdk::Text(body));
      call->changed.notify_all();
      return call->cancelled != 0 ? DCP_CANCELLED : DCP_OK;
    };
    api.complete = [](dcp_call* call, dcp_code code, dcp_bytes body) {
      const std::lock_guard lock(call->mutex);
      ++call->completions;
      call->code = code;
      call->body = dcp::sdk::Text(body);
      call->changed.notify_all();
    };
    api.set_error = [](dcp_host* h, dcp_code code, dcp_bytes text) {
      h->error_code = code;
      h->error = dcp::sdk::Text(text);
    };
    api.extension = [](dcp_host*, const char*) -> const void* { return nullptr; };
    api.post = minor == 0 ? [](dcp_host*, void (*)(void*), void*) -> dcp_code { abort(); } : Post;
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { Join(); }

  void Join() {
    for (std::thread& thread : host.posted) thread.join();
    host.posted.clear();
  }
  size_t posts() {
    const std::lock_guard lock(host.mutex);
    return host.posted.size();
  }

  static dcp_code Post(dcp_host* host, void (*run)(void*), void* user) {
    const std::lock_guard lock(host->mutex);
    if (host->posted.size() >= host->posts_max) return DCP_RESOURCE_EXHAUSTED;
    host->posted.emplace_back(run, user);
    return DCP_OK;
  }

  dcp_host host;
  dcp_host_api api{};
};

// Holds calls back until the test lets them go.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void WaitInside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return inside_ >= count; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

}  // namespace dcp::sdk_test
