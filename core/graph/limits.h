// SPDX-License-Identifier: Apache-2.0
//
// The graph room's own limits, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dcp::graph {

/// A run that has not ended costs memory for its whole graph.
constexpr size_t kActiveRunsMax = 1000;
/// Those of one principal: half, so that no one of them can take all.
constexpr int kRunsPerPrincipalDefault = kActiveRunsMax / 2;
/// Tries to register a deletion behind one that is just ending; the second finds its place free.
constexpr int kRegisterAttemptsMax = 3;
/// Calls of one node while its worker dies in them: a crash that repeats is no accident.
constexpr int kCallAttemptsMax = 3;
/// Pauses between tries grow threefold (RunnerOptions::back_off_ms is the first) up to this: a
/// worker is back within about a second.
constexpr int64_t kBackOffFactor = 3;
constexpr int64_t kBackOffMsMax = 5'000;
/// Submissions of one job whose backend says that another try may work.
constexpr int kJobAttemptsMax = 3;
/// Failed tries to have the end of a job explained that is known to have ended: with back-off more
/// than a minute, since a plugin may be replaced meanwhile.
constexpr int kLookFailuresMax = 20;
/// Longest pause before it is asked again what became of a job: its backend may be away for hours,
/// and whoever waits for it wants to know soon after its return.
constexpr int64_t kAskAgainMsMax = 30'000;
/// Within such a pause it is looked this often whether the run was cancelled.
constexpr int64_t kPauseSliceMs = 1'000;
/// Failures in a row from which on the doubt is stored and shown: the first ones pass by
/// themselves.
constexpr int kTellFailures = 3;
/// Submit, Check and Cancel talk to a control plane; none of them waits for the job.
constexpr int64_t kJobCallTimeoutMs = 60'000;
/// While a process runs its backend is only asked for words about it, and has so long to say them.
constexpr int64_t kRunningCheckMs = 2'000;
constexpr int64_t kWordsTimeoutMs = 5'000;
/// Longest pause between two looks at a job with a handle: short enough to feel a cancellation.
constexpr int64_t kHandlePollMsMax = 2'000;
/// Added to a job's deadline for its token, so that the last commit is not refused.
constexpr int64_t kMountGraceMs = 10 * 60'000;
/// A session's token outlives the call that uses it: sessions are reused for that long.
constexpr int64_t kSessionLifeMs = 3'600'000;
/// How long a job may need to end after it was told to, beyond its own grace time, before that is
/// shown as not confirmed.
constexpr int64_t kStopPatienceMs = 60'000;
constexpr int64_t kStopGraceMs = 10'000;
/// Longest time a node may ask for: longer is a typo in a unit.
constexpr int64_t kNodeTimeoutMsMax = int64_t{7} * 24 * 3'600'000;
/// A job's result file is a few lines with its findings; that of a test holds a plan (1 MiB, and as
/// much again of its analysed part when it is longer), escaped as JSON.
constexpr size_t kResultBytesMax = size_t{6} << 20;
/// The end of a job's stderr that its backend gets to read.
constexpr size_t kStderrTailBytes = size_t{16} << 10;
/// The launched process' description: argv and environment, bounded by the kernel near this.
constexpr size_t kProcessBytesMax = size_t{4} << 20;
/// Threads for what every run depends on (ends, resumptions), beside one for each job that lives.
constexpr int kControlThreads = 2;
/// Threads for the nodes of deletions, so that no other run's calls keep them waiting.
constexpr int kRemovalThreads = 2;
/// Progress words of a node: a line for a person.
constexpr size_t kProgressBytesMax = 1024;
/// Listeners of all runs together: each is somebody's open stream.
constexpr size_t kSubscriptionsMax = 1000;
/// Node ids stand in file names: [a-z0-9][a-z0-9._-]{0,127}.
constexpr size_t kNodeIdBytesMax = 128;

}  // namespace dcp::graph
