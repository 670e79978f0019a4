// SPDX-License-Identifier: Apache-2.0
//
// Where the code of one plugin instance runs: a worker process, or this process. It is started
// once and ends once; a new one takes its place (instance.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "host/host.h"
#include "host/journal.h"

namespace dcp::host {

/// For destroy() at the end, and then for the plugin to be gone by itself.
constexpr int64_t kStopGraceMs = 2'000;

/// What is missing where `sandbox: {enabled: false}` is configured.
inline constexpr char kNotConfined[] =
    "its worker is not confined at all: the configuration says so";

struct HomeOptions {
  std::string program;        ///< of the worker
  std::string plugin_path;    ///< what is loaded
  std::string plugin_source;  ///< where that came from, for messages
  std::string plugin_sha256;
  std::string plugin;  ///< ids, for messages
  std::string instance;
  Secret config_json;
  std::vector<std::pair<std::string, std::string>> env;
  bool sandboxed = true;
  os::SandboxPolicy sandbox;
  WorkerLimits limits;
  WorkerGroups groups;
  int64_t start_timeout_ms = 0;
  int64_t ping_timeout_ms = 0;
  int64_t cancel_grace_ms = 0;
  int64_t hang_grace_ms = 0;
  bool wait_for_debugger = false;  ///< then none of these timeouts counts
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();  ///< takes what the plugin says
};

/// Failures to start that may pass by themselves; after any other, trying again cannot help.
inline bool IsTransient(Code code) {
  return code == Code::kUnavailable || code == Code::kDeadlineExceeded ||
         code == Code::kResourceExhausted || code == Code::kAborted;
}

/// What a call came back with.
struct Reply {
  Code code = Code::kOk;
  bool from_plugin = false;  ///< else `body` is plain text
  std::string body;
  std::string log_tail;  ///< of a death: what the plugin printed last, for operators
};

class PluginHome {
 public:
  enum class Phase { kStarting, kReady, kEnded };

  virtual ~PluginHome() = default;
  virtual Phase phase() const = 0;
  /// Why it ended. `permanent`: starting it again cannot help.
  virtual Status ending(bool& permanent) const = 0;
  /// Of the worker; 0 in this process.
  virtual int64_t pid() const = 0;
  /// What its confinement lacks, once it is ready; empty: nothing.
  virtual std::string unconfined() const { return {}; }
  /// One call. `sent` says whether the plugin may have seen it. [any] blocks
  virtual Result<Reply> Call(const std::string& method, const std::string& request,
                             const CallOptions& options, bool& sent) = 0;
  /// Ends it by force and returns at once; open calls are answered UNAVAILABLE. False: it cannot be
  /// ended alone. [any]
  virtual bool Kill(const std::string& why) = 0;
  /// Destroys the instance and ends what it can end. blocks
  virtual void Stop() = 0;
};

}  // namespace dcp::host
