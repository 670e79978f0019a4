// SPDX-License-Identifier: Apache-2.0
//
// The C++ SDK for plugin authors: write one class, export it with one macro. Header-only, standard
// library only. The class handles one call at a time in the ordinary blocking way; the SDK runs
// calls on the host's threads where it offers them (ABI 1.1) and else on its own, catches what is
// thrown, and speaks the C ABI (dcp/plugin.h).
//
//   class Echo : public dcp::sdk::Instance {
//    public:
//     static dcp::sdk::Outcome<std::unique_ptr<Echo>> Create(std::string_view config_json);
//     dcp::sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
//                                           dcp::sdk::Call& call) override;
//   };
//   DCP_SDK_EXPORT(Echo)
//
// Create must have no effect beyond the object it makes: `validate` calls it too, and drops the
// object. Start what costs (threads, connections) at the first Invoke.
#pragma once

#include <dcp/plugin.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

extern "C" {
/// The manifest that dcp_add_plugin() embeds.
extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;
}

namespace dcp::sdk {

/// Why a call, or a configuration, fails.
struct Error {
  dcp_code code = DCP_UNKNOWN;
  std::string message = {};  ///< what failed, on what, why
  std::string hint = {};     ///< what to do
  std::string id = {};       ///< stable id such as "PZ0203"
  std::string file = {};     ///< with line and column: the place in what a person wrote
  int line = 0;
  int column = 0;
};

/// A value or the Error that explains its absence.
template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Outcome(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  bool ok() const { return state_.index() == 0; }
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

inline dcp_bytes View(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view Text(dcp_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

/// The Error as the contract's JSON form. Plugins that speak protobuf shadow EncodeError in their
/// class (see Instance).
inline std::string ErrorToJson(const Error& error);

/// One running call, as the plugin's code sees it. Valid while Invoke runs. [any]
class Call {
 public:
  Call(const dcp_host_api& host, dcp_call* call) : host_(host), call_(call) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool Cancelled() const { return host_.cancelled(call_) != 0; }
  /// Milliseconds left before the deadline, at least 0; `none` when the call has no deadline.
  int64_t RemainingMs(int64_t none) const;
  /// Tells the person waiting what is going on; the newest text wins.
  void Progress(std::string_view body) { (void)host_.emit(call_, DCP_EVENT_PROGRESS, View(body)); }
  /// Sends one event in order; may wait. False: stop, the call is over.
  bool Emit(std::string_view body) {
    return host_.emit(call_, DCP_EVENT_DATA, View(body)) == DCP_OK;
  }
  void Log(dcp_level level, std::string_view text) {
    host_.log(host_.host, level, call_, View(text));
  }
  /// Runs `wake` from another thread when the call is to stop (at once, if it is already). For code
  /// that waits in a library. Cleared with an empty function; do so before Invoke returns.
  void OnCancel(std::function<void()> wake);

 private:
  friend class Runtime;
  const dcp_host_api& host_;
  dcp_call* call_;
  std::mutex mutex_;
  std::function<void()> wake_;
  bool cancel_seen_ = false;
};

/// What an author derives from. One object an instance; Invoke may run on several threads at once
/// (kThreads below), so guard what they share, or set kThreads to 1.
class Instance {
 public:
  static constexpr int kThreads = 4;  ///< calls that run at once; more wait
  static std::string EncodeError(const Error& error) { return ErrorToJson(error); }
  virtual ~Instance() = default;
  /// [any] blocks; honour call.Cancelled() and call.RemainingMs().
  virtual Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                      Call& call) = 0;
  /// Called once before the object is destroyed, by a host of ABI 1.1 and later: no new call will
  /// come. Calls may still run: make those that only wait for something return. [any] blocks
  virtual void Drain() {}
};

}  // namespace dcp::sdk

#include <dcp/sdk/detail/error_json.h>
#include <dcp/sdk/detail/runtime.h>

/// Defines the entry symbol for a class derived from Instance. Once in a plugin.
#define DCP_SDK_EXPORT(Class)                                       \
  extern "C" DCP_EXPORT const dcp_plugin_api* dcp_plugin_v1(void) { \
    return ::dcp::sdk::Runtime::Table<Class>();                     \
  }
