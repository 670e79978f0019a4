// SPDX-License-Identifier: Apache-2.0
//
// Doctor tries what must be impossible, and says which layers of isolation this set-up has.
#pragma once

#include <string>
#include <vector>

#include "api/server.h"
#include "catalog/catalog.h"
#include "daemon/clock_watch.h"
#include "daemon/doctor_walls.h"
#include "daemon/reloader.h"
#include "daemon/settings.h"
#include "host/host.h"
#include "os/supervisor.h"
#include "playground/playgrounds.h"
#include "store/store.h"

namespace dcp::daemon {

class Doctor {
 public:
  Doctor(catalog::Catalog& catalog, host::Host& host, const os::Supervisor& supervisor,
         const Settings& settings, const Reloader& reloader, const ClockWatch& watch,
         const std::string& bin_dir);
  /// `playground` is the caller's and usable; without one the catalog probe is left out, and says
  /// so. [any] blocks
  std::vector<api::DoctorCheck> Examine(const store::Playground* playground,
                                        const playground::Principal& who);

 private:
  api::DoctorCheck CatalogWrite(const store::Playground* playground, const std::string& user);
  api::DoctorCheck StorageWrite(const playground::Principal& who) const;
  void Processes(const playground::Principal& who, std::vector<api::DoctorCheck>& checks) const;
  api::DoctorCheck WorkersConfined();
  api::DoctorCheck LookAtClock() const;

  catalog::Catalog& catalog_;
  host::Host& host_;
  const os::Supervisor& supervisor_;
  const Settings& settings_;
  const Reloader& reloader_;
  const ClockWatch& watch_;
  const GuardedPlaces places_;
};

}  // namespace dcp::daemon
