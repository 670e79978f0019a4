// SPDX-License-Identifier: Apache-2.0
//
// A run backend whose jobs are processes on this machine. Submit describes one, and the host
// launches it, stops it and keeps its logs: it outlives this plugin and the daemon. Check says what
// became of it. Nothing is kept here, so a restart loses nothing.
//
// The process is `/bin/sh -c COMMAND`, COMMAND from the configuration. It finds in its environment
//   JOB_DIRECTORY  a folder of its own
//   JOB_FILE       job.json in it: the Job message. 0600, for it holds the catalog's token
//   RESULT_FILE    where it writes {"rows": 3, "snapshotId": "17"} before it exits with 0
#pragma once

#include <dcp/sdk/plugin.h>

#include <memory>
#include <string>
#include <string_view>

/// No state beyond the configuration, so calls may run at once.
class Backend : public dcp::sdk::Instance {
 public:
  /// No effect: the host also calls it to look at a configuration.
  static dcp::sdk::Outcome<std::unique_ptr<Backend>> Create(std::string_view config_json);
  explicit Backend(std::string command) : command_(std::move(command)) {}

  dcp::sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                        dcp::sdk::Call& call) override;

 private:
  const std::string command_;
};
