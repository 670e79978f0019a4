// SPDX-License-Identifier: Apache-2.0
//
// A host that notices what the plugin does wrong with it. It never crashes on a wrong pointer: what
// comes in is looked up before it is used, and nothing that was handed out is forgotten while the
// process lives, unless a check says so.
#pragma once

#include <dcp/plugin.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::plugin_check {

/// What a host can see a plugin do wrong. Each check looks at its own kinds alone, so that one
/// fault fails one check.
enum class Fault {
  kCompleteTwice,
  kCompleteRefused,
  kEmitLate,
  kEmitKind,
  kEmitAfterStop,
  kProgress,
  kResponseSize,
  kCode,
  kForeign,
  kLate,
  kSetErrorScope,
  kLogLevel,
  kText,
  kBytes,
  kUnwind,
  kCount,
};

/// The first words about a kind of fault, or "" when it was not seen. [any]
std::string FaultSeen(Fault fault);
/// [any]
void NoteFault(Fault fault, const std::string& what);

/// How the table lies in memory.
enum class TableForm {
  kPlain,
  kOld,  ///< ends where 1.0 ends, and so does the memory
  kNew,  ///< 256 bytes longer than ours
};

class CheckingHost {
 public:
  explicit CheckingHost(TableForm form = TableForm::kPlain);
  CheckingHost(const CheckingHost&) = delete;
  CheckingHost& operator=(const CheckingHost&) = delete;
  ~CheckingHost();

  const dcp_host_api* api() const { return api_; }
  dcp_host* handle() const { return handle_; }
  /// validate() or create() runs: set_error() may be called. Forgets an earlier reason.
  void BeginConfigure();
  void EndConfigure();
  /// The reason since then.
  std::string reason() const;
  /// Every text since the beginning, log lines and reasons.
  std::string texts() const;
  /// For checks that count bytes.
  void ForgetTexts();
  /// create() is about to be called: from here on a plugin may post.
  void TakePosts();
  /// destroy() is about to be called: what was posted has returned when this does. blocks
  void FinishPosts();
  /// destroy() has returned: whoever calls from now on is late.
  void Close();

 private:
  dcp_host* const handle_;
  dcp_host_api* api_ = nullptr;
};

/// A call's end, or none.
struct CallState {
  bool completed = false;
  dcp_code code = DCP_OK;
  std::string body;
  size_t events = 0;
  bool after_stop = false;
};

/// One call, made before invoke() and kept for good, or until Forget().
class CheckingCall {
 public:
  CheckingCall(dcp_host* host, std::string method, int64_t deadline_ns);
  CheckingCall(const CheckingCall&) = delete;
  CheckingCall& operator=(const CheckingCall&) = delete;

  dcp_call* handle() const { return handle_; }
  void SetCancelled();
  /// emit() answers `code` from the n-th event on.
  void RefuseEvents(size_t from, dcp_code code);
  /// invoke() answered another code than OK: completing it is a fault from here on, and was.
  void Refused();
  /// Until it is completed; false after `patience_ms`. blocks
  bool Wait(int64_t patience_ms) const;
  CallState state() const;
  /// Whether the plugin has called back about it, so that its code certainly runs. [any]
  bool touched() const;
  /// Frees it; a later use of the pointer is a foreign one.
  void Forget();

 private:
  dcp_call* handle_;
};

}  // namespace dcp::plugin_check
