// SPDX-License-Identifier: Apache-2.0
//
// Doctor's looks at the walls behind the SQL screen: whether a query can make Spark fetch what it
// names, and what a process in which queries run can reach.
#pragma once

#include <string>
#include <vector>

#include "api/server.h"
#include "daemon/listening.h"
#include "host/host.h"
#include "os/confine.h"
#include "os/supervisor.h"

namespace dcp::daemon {

/// What nobody's query has any business with.
struct GuardedPlaces {
  std::string confine_program;
  std::string state_dir;
  std::string api_socket;
  std::vector<OwnedPort> ports;
};

/// Starts a process that is confined as `what` is, and has it try to read secrets, the store and
/// other jobs' folders, to connect to dcpd's socket, and to a port that is not listed, and to
/// listen at dcpd's and others' ports. `own`: files of dcpd's that are there for it to read, and
/// for nobody else. `write`: a folder that it must not write to; empty: not tried. Blocks.
api::DoctorCheck TryConfinement(const GuardedPlaces& places, const std::string& what,
                                const os::Confinement& confinement,
                                const std::vector<std::string>& own, const std::string& write);
/// The same for what runs without one.
api::DoctorCheck Unconfined(const std::string& what, const std::string& advice);
/// Adds to a check of a service whether the process that runs now has a filter.
void LookAtProcess(int64_t pid, api::DoctorCheck& check);

/// Whether the kernel could choose one of these ports for whoever asks it for any.
api::DoctorCheck LookAtPorts(const std::vector<OwnedPort>& ports);

/// Whether that process is a Spark Connect server.
bool IsSpark(int64_t pid);
/// Which options and file systems it was started with: looked at, not tried.
api::DoctorCheck LookAtSpark(const std::string& service, int64_t pid);

/// Sends the default test backend queries that make Spark fetch a URL of a listener of our own, as
/// any user could. Blocks.
api::DoctorCheck TryToReachOut(host::Host& host);

}  // namespace dcp::daemon
