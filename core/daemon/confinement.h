// SPDX-License-Identifier: Apache-2.0
//
// What the programs in which other people's queries run may touch: services that ask for a sandbox,
// and jobs. The policy is the daemon's own, whatever a plugin answers for a process.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/settings.h"
#include "graph/graph.h"
#include "os/confine.h"

namespace dcp::daemon {

/// The service's sandbox, with its own files, folders and `ready` port added. Only for one that has
/// a sandbox.
os::Confinement ConfinementOf(const ServiceSettings& service);

/// What jobs need of a configuration, so that each gets no more than its work.
struct JobRooms {
  os::Confinement every;          ///< `runs.sandbox`
  std::string production_folder;  ///< read; empty: the warehouse is elsewhere
  std::string overlay_folder;     ///< of it, the playground's own part; empty: as above
  os::Confinement instance;       ///< files of the backend's own jobs
};
/// What `from` reads and writes, `to` does as well.
void AddFiles(const os::Confinement& from, os::Confinement& to);

/// For a job that reads its playground, or also writes it. For one that writes, makes the
/// playground's part of the overlay warehouse if it is not there yet: what does not exist cannot be
/// allowed.
Result<os::Confinement> ConfinementOf(const JobRooms& rooms, const graph::JobToConfine& job);

/// dcp-confine's path.
std::string ConfineProgram(const std::string& bin_dir);

}  // namespace dcp::daemon
