// SPDX-License-Identifier: Apache-2.0
//
// Holds what a plugin answered against the contract, and makes requests of it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/manifest.h"
#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

/// A request that somebody wrote, in JSON: for a method, or a method of one capability.
struct GivenCall {
  std::string method;  ///< "Analyze" or "test_backend.Analyze"
  std::string json;
};

/// What the plugin is to be called with, in its encoding: the given calls, and an empty message for
/// every method of the manifest without one. NOT_FOUND for a method that the manifest has not.
Result<std::vector<SampleCall>> MakeCalls(const host::Manifest& manifest,
                                          const std::vector<GivenCall>& given);

/// Every OK response is the contract's message.
Verdict JudgeResponses(const std::vector<Answered>& transcript, host::Encoding encoding);
/// Every failure says something in the contract's form, or nothing.
Verdict JudgeErrors(const std::vector<Answered>& transcript, host::Encoding encoding);

}  // namespace dcp::plugin_check
