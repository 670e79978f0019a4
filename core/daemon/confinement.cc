// SPDX-License-Identifier: Apache-2.0
#include "daemon/confinement.h"

#include "catalog/names.h"
#include "os/file.h"

namespace dcp::daemon {

os::Confinement ConfinementOf(const ServiceSettings& service) {
  os::Confinement confinement = service.sandbox.value_or(os::Confinement{});
  for (const ServiceFile& file : service.files) confinement.read.push_back(file.path);
  for (const std::string& folder : service.directories) confinement.write.push_back(folder);
  confinement.listen.push_back(service.ready_port);
  confinement.resolved = true;
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
  confinement.resolved = true;
  // A warehouse elsewhere is reached over the network; files are no matter of it.
  if (os::IsFolder(rooms.production_folder)) confinement.read.push_back(rooms.production_folder);
  if (rooms.overlay_folder.empty()) return confinement;
  const std::string part =
      catalog::PlaygroundFolder(rooms.overlay_folder, job.playground, job.generation);
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
