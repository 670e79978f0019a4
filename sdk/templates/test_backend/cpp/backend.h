// SPDX-License-Identifier: Apache-2.0
//
// A test backend whose engine is a command on this machine: Analyze describes a process, which the
// host launches, and Interpret says what it found. The command is `/bin/sh -c COMMAND`, COMMAND
// from the configuration. It finds in its environment
//   REQUEST_FILE  request.json: the AnalyzeRequest. 0600, for it holds the catalog's token
//   RESULT_FILE   where it writes {"columns": [{"name": "a", "type": "bigint"}]} before it exits
//                 with 0; when it rejects the query it says why on stderr and exits with 1
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
