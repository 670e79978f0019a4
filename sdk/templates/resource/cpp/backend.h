// SPDX-License-Identifier: Apache-2.0
//
// A resource: it knows one kind of manifest, `kind` of the configuration, and answers its command
// `test` with a report at once: a manifest passes when it names that kind. One that needs an engine
// answers a graph of nodes instead, and has the method Continue.
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
  explicit Backend(std::string kind) : kind_(std::move(kind)) {}

  dcp::sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                        dcp::sdk::Call& call) override;

 private:
  const std::string kind_;
};
