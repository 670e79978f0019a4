// SPDX-License-Identifier: Apache-2.0
//
// The checks that run in the probe, by name. Each loads the plugin itself, so that one process does
// one check.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

using ProbeCheck = std::function<Verdict(const Job&)>;
using ProbeChecks = std::map<std::string, ProbeCheck>;

void AddLoadChecks(ProbeChecks& checks);
void AddTableChecks(ProbeChecks& checks);
void AddConfigChecks(ProbeChecks& checks);
void AddLifeChecks(ProbeChecks& checks);
void AddRequestChecks(ProbeChecks& checks);
void AddCallChecks(ProbeChecks& checks);
void AddHostChecks(ProbeChecks& checks);

/// Passed when `words` is empty, else failed with them.
Verdict FailedIf(const std::string& words);

}  // namespace dcp::plugin_check
