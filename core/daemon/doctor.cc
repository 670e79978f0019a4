// SPDX-License-Identifier: Apache-2.0
#include "daemon/doctor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/id.h"
#include "daemon/confinement.h"
#include "os/file.h"
#include "os/sandbox.h"

namespace dcp::daemon {
namespace {

std::string LocalPath(const std::string& warehouse) {
  for (const char* prefix : {"file://", "file:"}) {
    if (warehouse.rfind(prefix, 0) == 0) return warehouse.substr(std::strlen(prefix));
  }
  return {};
}

}  // namespace

Doctor::Doctor(catalog::Catalog& catalog, host::Host& host, const os::Supervisor& supervisor,
               const Settings& settings, const Reloader& reloader, const ClockWatch& watch,
               const std::string& bin_dir)
    : catalog_(catalog),
      host_(host),
      supervisor_(supervisor),
      settings_(settings),
      reloader_(reloader),
      watch_(watch),
      places_{ConfineProgram(bin_dir), settings.state_dir, settings.api.socket_path,
              OwnedPorts(settings)} {}

std::vector<api::DoctorCheck> Doctor::Examine(const store::Playground* playground,
                                              const playground::Principal& who) {
  std::vector<api::DoctorCheck> checks;
  for (const auto& service : supervisor_.States()) {
    checks.push_back({"service " + service.name, "set-up",
                      service.state == "READY" ? "OK" : "FAILED",
                      service.state + (service.detail.empty() ? "" : ": " + service.detail),
                      service.state == "READY" ? "" : "see the service's log, then restart dcpd"});
  }
  for (const auto& plugin : host_.States()) {
    checks.push_back(
        {"plugin " + plugin.id, "set-up", plugin.state == "READY" ? "OK" : "FAILED",
         plugin.state + (plugin.detail.empty() ? "" : ": " + plugin.detail),
         plugin.state == "READY" ? "" : "mend what the reason names, then pretzel config reload"});
  }
  for (const auto& upstream : catalog_.Upstreams()) {
    checks.push_back({upstream.name, "set-up", upstream.paused ? "FAILED" : "OK",
                      upstream.paused ? upstream.detail : "calls are let through",
                      upstream.paused ? "look at its own log, or at the network between" : ""});
  }
  checks.push_back(LookAtClock());
  checks.push_back(CatalogWrite(playground, who.user));
  checks.push_back(StorageWrite(who));
  checks.push_back(TryToReachOut(host_));
  Processes(who, checks);
  checks.push_back(LookAtPorts(places_.ports));
  checks.push_back(WorkersConfined());
  // Said plainly rather than left out: a reader must not take silence for protection.
  checks.push_back({"plan inspection", "gateway", "MISSING",
                    "no gateway stands before the shared Spark server: only our own client, which "
                    "screens what it sends, may be given its token",
                    "keep the server's token to dcpd"});
  return checks;
}

api::DoctorCheck Doctor::LookAtClock() const {
  const int64_t jumped = watch_.Jumped() / 1000;
  if (jumped == 0) return {"wall clock", "set-up", "OK", "goes as the steady one does", ""};
  return {
      "wall clock", "set-up", "FAILED",
      "it has jumped by " + std::to_string(jumped) + " s, and expired playgrounds are not purged",
      "set it right; playgrounds that expired by its word: pretzel playground restore"};
}

api::DoctorCheck Doctor::CatalogWrite(const store::Playground* playground,
                                      const std::string& user) {
  api::DoctorCheck check{"production write through the catalog", "catalog", "", "", ""};
  if (playground == nullptr) {
    check.result = "SKIPPED";
    check.detail = "there is no playground to try it from";
    check.advice = "run `pretzel playground create` and then doctor again";
    return check;
  }
  const Status probe = catalog_.ProbeProductionWrite(*playground, user);
  check.result = probe.ok() ? "ENFORCED" : "FAILED";
  check.detail = probe.ok()
                     ? "a write to a production table, with a writer's token of playground " +
                           playground->name + ", was refused"
                     : probe.message();
  if (!probe.ok()) check.advice = "do not use this set-up until the catalog refuses it";
  return check;
}

api::DoctorCheck Doctor::StorageWrite(const playground::Principal& who) const {
  api::DoctorCheck check{"production write on storage", "storage", "", "", ""};
  const std::string& production_warehouse = settings_.production_warehouse;
  if (!who.is_operator) {
    check.result = "SKIPPED";
    check.detail = "it writes a file into production's warehouse, which only an operator may try";
    check.advice = "ask an operator to run doctor";
    return check;
  }
  const std::string folder = LocalPath(production_warehouse);
  if (folder.empty()) {
    check.result = "SKIPPED";
    check.detail = production_warehouse.empty()
                       ? "catalog.production.warehouse is not configured"
                       : "only file: warehouses can be tried: " + production_warehouse;
    check.advice = "give jobs storage credentials that cannot write production";
    return check;
  }
  const std::string path = folder + "/.pretzel-doctor-" + RandomHex(8);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const bool refused = errno == EACCES || errno == EPERM || errno == EROFS;
    check.result = refused ? "ENFORCED" : "FAILED";
    check.detail = folder + ": " + std::strerror(errno);
    return check;
  }
  close(fd);
  unlink(path.c_str());
  check.result = "MISSING";
  check.detail = "storage layer missing: a file could be written under " + folder +
                 " by dcpd's own user (and was removed)";
  check.advice =
      "in the embedded stack one Unix user owns everything; on a shared platform give "
      "jobs storage credentials that read production and write playgrounds only";
  return check;
}

/// What each worker says that it was kept from.
api::DoctorCheck Doctor::WorkersConfined() {
  api::DoctorCheck check{"sandbox of plugin workers", "plugins", "ENFORCED", "", ""};
  for (const auto& plugin : host_.States()) {
    if (plugin.unconfined.empty()) continue;
    check.detail += (check.detail.empty() ? "" : "; ") + plugin.id + ": " + plugin.unconfined;
  }
  if (!check.detail.empty()) {
    check.result = "MISSING";
    check.advice =
        "what is said to be missing decides: for a control group, start dcpd in one of its own "
        "with the controllers memory and pids (cgroup v2; under systemd, Delegate=yes); for "
        "files, sockets and signals, use a kernel with Landlock (6.12 or newer) and seccomp, or "
        "grant less under `sandbox`; take out `enabled: false`; else run only plugins that you "
        "trust";
    return check;
  }
  check.detail = std::string("every worker is confined as configured; ") + os::kNeverConfined;
  return check;
}

void Doctor::Processes(const playground::Principal& who,
                       std::vector<api::DoctorCheck>& checks) const {
  const std::string warehouse = who.is_operator ? LocalPath(settings_.production_warehouse) : "";
  for (const auto& service : supervisor_.States()) {
    const auto at = std::find_if(
        settings_.services.begin(), settings_.services.end(),
        [&](const ServiceSettings& settings) { return settings.name == service.name; });
    if (at == settings_.services.end() || service.pid <= 0) continue;
    const std::string name = "service " + service.name;
    if (at->sandbox) {
      const bool spark = IsSpark(service.pid);
      // A catalog reads its secret where it is listed. Where queries run, nothing but the service's
      // own files is excused.
      std::vector<std::string> own;
      if (!spark) own = at->sandbox->read;
      for (const ServiceFile& file : at->files) own.push_back(file.path);
      checks.push_back(TryConfinement(places_, name, ConfinementOf(*at), own,
                                      spark ? warehouse : std::string()));
      LookAtProcess(service.pid, checks.back());
    } else {
      checks.push_back(Unconfined(name, "give it a `sandbox` in dcpd's configuration"));
    }
    if (IsSpark(service.pid)) checks.push_back(LookAtSpark(service.name, service.pid));
  }
  if (!settings_.job_sandbox) {
    checks.push_back(Unconfined("jobs", "take `enabled: false` out of runs.sandbox"));
    return;
  }
  // A job's own folder and its playground's part come with the job.
  os::Confinement jobs = *settings_.job_sandbox;
  const std::string production = LocalPath(settings_.production_warehouse);
  if (!production.empty() && os::IsFolder(production)) jobs.read.push_back(production);
  checks.push_back(TryConfinement(places_, "jobs", jobs, {}, warehouse));
  for (const auto& [instance, own] : reloader_.instance_jobs()) {
    os::Confinement all = jobs;
    AddFiles(own, all);
    checks.push_back(TryConfinement(places_, "jobs of " + instance, all, {}, warehouse));
  }
}

}  // namespace dcp::daemon
