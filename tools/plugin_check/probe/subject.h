// SPDX-License-Identifier: Apache-2.0
//
// The plugin under check, and one instance of it, called as a host calls them.
#pragma once

#include <dcp/plugin.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin_check/probe/checking_host.h"
#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

dcp_bytes BytesOf(std::string_view text);

struct Entry {
  dcp_entry_fn call = nullptr;
};
/// Loads the file, all symbols bound, and answers its entry function; never unloaded.
Result<Entry> LoadEntry(const std::string& path);

/// How a call is made.
struct CallPlan {
  std::string method;
  std::string request;
  int64_t deadline_ns = 0;
  bool cancelled = false;           ///< before it begins
  int64_t cancel_after_us = -1;     ///< from another thread, so long after its first callback
  bool cancel_late = false;         ///< a moment after it was completed
  bool take_memory = false;         ///< the request's memory is gone when invoke() has returned
  size_t refuse_events = SIZE_MAX;  ///< emit() answers RESOURCE_EXHAUSTED after so many
  const char* said = "";            ///< about the request, for the record: "a random one"
};

/// How it went.
struct CallEnd {
  bool taken = false;
  bool ended = false;  ///< completed or refused
  bool asked = false;  ///< it took longer than the patience, and was cancelled then
  dcp_code code = DCP_OK;
  std::string body;
  size_t events = 0;
  int64_t end_ms = 0;     ///< from invoke() to the end
  int64_t cancel_ms = 0;  ///< that cancel() took
};

class Subject {
 public:
  /// Loads and asks for the table.
  static Result<std::unique_ptr<Subject>> Load(const Job& job);

  const Job& job() const { return job_; }
  const dcp_plugin_api* table() const { return table_; }
  /// Calls validate() or create(); an exception counts as INTERNAL and is noted.
  dcp_code Validate(CheckingHost& host, std::string_view config) const;
  dcp_code Create(CheckingHost& host, std::string_view config, dcp_instance** out) const;
  bool CanDrain() const;
  void Drain(dcp_instance* instance) const;  ///< nothing where there is no drain()
  /// destroy(), with nothing that was posted running any more. drain() came before.
  void Destroy(CheckingHost& host, dcp_instance* instance) const;

 private:
  Subject(const Job& job, const dcp_plugin_api* table) : job_(job), table_(table) {}

  const Job job_;
  const dcp_plugin_api* const table_;
};

class Instance {
 public:
  /// Of the job's configuration. The host must outlive it.
  static Result<std::unique_ptr<Instance>> Make(const Subject& subject, CheckingHost& host);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() = default;  ///< does not destroy the plugin's part

  /// Makes a call and waits for its end. A call may take long, and is cancelled then: that it ends
  /// counts. A method that left a call open once is not called again.
  /// [any]: several at once, for a plugin that allows it. blocks
  CallEnd Call(const CallPlan& plan);
  /// Whether calls of the method take so long that it is no use to repeat them.
  bool IsSlow(const std::string& method) const;
  /// Whether a call was taken and never completed: the ABI then forbids destroy().
  bool has_open_calls() const;
  /// While calls run. No call may be made from then on.
  void Drain();
  /// Drains it unless that was done, and destroys it; false, and nothing is done, while a call is
  /// open.
  bool Destroy();
  /// Forgets ended calls, for checks that count bytes.
  void ForgetCalls();

 private:
  Instance(const Subject& subject, CheckingHost& host, dcp_instance* self)
      : subject_(subject), host_(host), self_(self) {}
  dcp_code Invoke(const CallPlan& plan, CheckingCall& call);

  const Subject& subject_;
  CheckingHost& host_;
  dcp_instance* const self_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<CheckingCall>> calls_;
  std::set<std::string> mute_;
  std::set<std::string> slow_;
  bool open_ = false;
  bool drained_ = false;
};

/// A host, an instance, and their order.
struct Life {
  explicit Life(TableForm form = TableForm::kPlain) : host(form) {}
  CheckingHost host;
  std::unique_ptr<Instance> instance;
};
/// Fails with the plugin's reason.
Result<std::unique_ptr<Life>> Begin(const Subject& subject, TableForm form = TableForm::kPlain);
/// Destroys the instance and closes the host. False while a call is open.
bool End(Life& life);

/// The calls of SteadyCalls().
std::vector<Answered> Steady(const Subject& subject, Instance& instance);
/// What every check of calls does: the above, and the first sample cancelled.
std::vector<Answered> Workload(const Subject& subject, Instance& instance);
/// The samples alone.
std::vector<Answered> Samples(const Subject& subject, Instance& instance);
/// "Describe was answered with code 13: ..." for a report.
std::string Told(const std::string& method, const CallEnd& end);

}  // namespace dcp::plugin_check
