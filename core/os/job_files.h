// SPDX-License-Identifier: Apache-2.0
//
// The files in a job's folder, shared by the daemon's side (job.cc) and the launcher
// (launch_main.cc). Not for other rooms. README.md has the state diagram.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/job.h"

namespace dcp::os {

constexpr char kJobSpecFile[] = "spec";
constexpr char kJobLockFile[] = "lock";
constexpr char kJobLaunchedFile[] = "launched";
constexpr char kJobExitFile[] = "exit";
/// What the launcher says to whoever started it once it has launched the job, or need not.
constexpr char kJobLaunchedWord[] = "ok\n";

/// The launcher's number for what it keeps open for others; it may be closed.
constexpr int kJobHeldFd = 10;

/// A spec holds an argument list and an environment; Linux itself takes about 2 MiB of them.
constexpr size_t kJobSpecBytesMax = size_t{4} << 20;
/// `launched` and `exit` are a line or two.
constexpr size_t kJobNoteBytesMax = 4096;

/// Who runs a job: the launcher, and the process it launched.
struct JobIdentities {
  ProcessIdentity launcher;
  ProcessIdentity job;
};

/// Length-prefixed fields, so that any byte may stand in an argument.
std::string EncodeJobSpec(const JobSpec& spec);
Result<JobSpec> DecodeJobSpec(std::string_view text);
std::string EncodeLaunched(const JobIdentities& identities);
Result<JobIdentities> DecodeLaunched(std::string_view text);
std::string EncodeExit(const ExitStatus& exit);
Result<ExitStatus> DecodeExit(std::string_view text);

}  // namespace dcp::os
