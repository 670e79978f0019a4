// SPDX-License-Identifier: Apache-2.0
//
// One run from its start to its end: sent until it is known to be started, watched over restarts of
// the daemon, started again with the files that its manifests name. Internal to the flows.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cli/run_flow.h"

namespace dcp::cli {

enum class Outcome { kEnded, kCompiled, kInterrupted, kTimedOut };

struct Watched {
  Outcome outcome = Outcome::kEnded;
  v1::Run run;
};

/// What the daemon refuses only for now is asked again by a command that waits, until its time is
/// over.
class NotNow {
 public:
  NotNow(Session& session, int64_t timeout_ms);

  /// How long to wait before it is asked again; nothing: `status` is no such refusal, or the time
  /// is over. Says why once.
  std::optional<int64_t> Pause(const Status& status);
  /// The same for those whose interrupt ends the process; false: there is nothing to wait for.
  bool Wait(const Status& status);
  bool over() const { return over_; }
  /// What is left of a time-out; 0: there is none.
  int64_t Left() const;

 private:
  Session& session_;
  const SteadyMillis end_;
  int64_t pause_ms_ = 0;
  bool over_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

/// Is shown each event of a run.
using ShowEvent = std::function<void(const v1::RunEvent&)>;

/// Lines about nodes that ended, as far as the session wants them.
ShowEvent ShowNodes(Session& session);

Result<Watched> WatchToEnd(Session& session, Client& client, const std::string& id,
                           bool until_compiled, int64_t timeout_ms, const ShowEvent& show);

/// Starts a run of these manifests and watches it, again with the files that it turns out to need,
/// which are added to `files`. With `plan.wait` until it has ended, else until its graph is made.
/// `patient`: waits for room also when the end is not waited for.
Result<Watched> RunOnce(Session& session, Client& client, const std::string& playground,
                        const RunPlan& plan, const std::string& token, NotNow& not_now,
                        const std::vector<SourceFile>& manifests, std::vector<SourceFile>* files,
                        bool patient, const ShowEvent& show);

/// Adds what is wanted and not there; false: all of it is there already.
Result<bool> AddFiles(const google::protobuf::RepeatedPtrField<std::string>& wanted,
                      const std::vector<SourceFile>& manifests, std::vector<SourceFile>* files);

}  // namespace dcp::cli
