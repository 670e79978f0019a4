// SPDX-License-Identifier: Apache-2.0
//
// One run of the checker: which checks, in which order, and what each came to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin_check/check.h"
#include "plugin_check/file_checks.h"
#include "plugin_check/judge.h"

namespace dcp::plugin_check {

struct SessionOptions {
  std::string plugin;
  std::string config = "{}";
  std::vector<GivenCall> calls;
  std::string include;  ///< regular expressions over names; empty: all, none
  std::string exclude;
  int level = kLevelDefault;
  uint64_t seed = 0;
  int64_t timeout_ms = 30'000;
  int jobs = 2;
  std::string glibc;  ///< the newest version that may be needed
  std::string own_program;
  std::string probe_program;
  std::string worker_program;
};

class Session {
 public:
  /// Reads the file. INVALID_ARGUMENT for a regular expression that is none, and for a call that
  /// the manifest or the contract has not; a plugin that is broken is no error here. blocks
  static Result<Session> Open(SessionOptions options);

  const FileFacts& facts() const { return facts_; }
  const std::vector<const Check*>& chosen() const { return chosen_; }
  /// Runs what was chosen, several at a time; `show` is called in the order of the list, on the
  /// calling thread, as soon as each is known. blocks
  std::vector<CheckResult> Run(const std::function<void(const CheckResult&)>& show) const;
  /// Becomes the probe with the chosen checks of its kind; returns only when that fails.
  Status BecomeProbe() const;

 private:
  explicit Session(SessionOptions options) : options_(std::move(options)) {}
  CheckResult RunOne(const Check& check) const;
  Verdict Judge(const Check& check) const;

  SessionOptions options_;
  FileFacts facts_;
  Job job_;
  std::vector<const Check*> chosen_;
};

}  // namespace dcp::plugin_check
