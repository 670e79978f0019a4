// SPDX-License-Identifier: Apache-2.0
#include "daemon/confinement.h"

#include "catalog/location.h"
#include "catalog/names.h"
#include "os/file.h"

namespace dcp::daemon {

os::Confinement ConfinementOf(const ServiceSettings& service) {
  os::Confinement confinement = service.sandbox.value_or(os::Confinement{});
  for (const ServiceFile& file : service.files) confinement.read.push_back(file.path);
  for (const std::string& folder : service.directories) confinement.write.push_back(folder);
  confinement.listen.push_back(service.ready_port);
  return confinement;
}

void AddFiles(const os::Confinement& from, os::Confinement& to) {
  to.read.insert(to.read.end(), from.read.begin(), from.read.end());
  to.write.insert(to.write.end(), from.write.begin(), from.write.end());
}

Result<os::Confinement> ConfinementOf(const JobRooms& rooms, const graph::JobToConfine& job) {
  os::Confinement confinement = rooms.every;
  AddFiles(rooms.instance, confinement);
  confinement.write.push_back(job.directory);
  // A warehouse elsewhere is reached over the network; files are no matter of it.
  const auto production = catalog::LocalPath(rooms.production_warehouse);
  if (production.ok() && os::IsFolder(*production)) confinement.read.push_back(*production);
  const auto overlay = catalog::LocalPath(rooms.overlay_warehouse);
  if (!overlay.ok()) return confinement;
  const std::string part = catalog::PlaygroundFolder(*overlay, job.playground, job.generation);
  if (job.writes) {
    DCP_TRY(os::MakeDirectories(part));
    confinement.write.push_back(part);
  } else if (os::IsFolder(part)) {  // a test leaves nothing behind, not a folder either
    confinement.read.push_back(part);
  }
  return confinement;
}

std::string ConfineProgram(const std::string& bin_dir) { return bin_dir + "/dcp-confine"; }

}  // namespace dcp::daemon
