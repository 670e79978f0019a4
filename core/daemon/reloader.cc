// SPDX-License-Identifier: Apache-2.0
#include "daemon/reloader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "log/log.h"
#include "os/file.h"

namespace dcp::daemon {
namespace {

std::string Join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "none" : text;
}

template <typename Map>
bool HasOthers(const std::vector<std::string>& names, const Map& known) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return known.count(name) == 0; });
}

}  // namespace

Reloader::Reloader(std::string file, References references, const Settings& settings,
                   host::Host& host)
    : file_(std::move(file)),
      references_(std::move(references)),
      started_with_(settings.values),
      host_(host),
      log_(settings.log),
      instance_jobs_(settings.instance_jobs),
      thread_([this] { Serve(); }) {}

Reloader::~Reloader() {
  Stop();
  thread_.join();
}

void Reloader::Stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

os::Confinement Reloader::JobsOf(const std::string& instance) const {
  const MutexLock lock(mutex_);
  const auto found = instance_jobs_.find(instance);
  return found == instance_jobs_.end() ? os::Confinement() : found->second;
}

std::map<std::string, os::Confinement> Reloader::instance_jobs() const {
  const MutexLock lock(mutex_);
  return instance_jobs_;
}

void Reloader::Request() {
  const MutexLock lock(mutex_);
  requested_ = true;
  wake_.notify_all();
}

void Reloader::Serve() {
  MutexLock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this]() DCP_REQUIRES(mutex_) { return requested_ || stopping_; });
    if (stopping_) return;
    requested_ = false;
    lock.unlock();
    (void)Reload();  // it is in the log
    lock.lock();
  }
}

Result<api::ConfigurationChange> Reloader::Reload() {
  const MutexLock one_at_a_time(reload_mutex_);
  if (stopping_) return Unavailable("the daemon is stopping");
  Result<api::ConfigurationChange> change = ReloadAll();
  if (!change.ok()) {
    log::Write(log::Id::kConfigurationRefused,
               {{"config", file_}, {"error", change.status().ToString()}});
    return change;
  }
  const host::Reloaded& plugins = change->plugins;
  log::Write(log::Id::kConfigurationReloaded, {{"config", file_},
                                               {"kept", Join(plugins.kept)},
                                               {"started", Join(plugins.started)},
                                               {"restarted", Join(plugins.restarted)},
                                               {"stopped", Join(plugins.stopped)},
                                               {"failed", Join(plugins.failed)},
                                               {"routes", Join(plugins.routes)},
                                               {"settings", Join(change->settings)},
                                               {"needs_restart", Join(change->needs_restart)}});
  return change;
}

Result<api::ConfigurationChange> Reloader::ReloadAll() {
  DCP_ASSIGN(const std::string text, os::ReadFile(file_, kConfigBytesMax));
  DCP_ASSIGN(const Skeleton skeleton, ReadSkeleton(file_, text, references_.bin_dir));
  Result<Settings> settings = ReadCheckedSettings(file_, text, references_);
  if (!settings.ok() && (HasOthers(skeleton.secrets, references_.secrets) ||
                         HasOthers(skeleton.ports, references_.ports))) {
    return std::move(settings).status().WithHint(
        "secrets and ports are made when dcpd starts: restart it for new ones");
  }
  DCP_TRY(settings.status());
  api::ConfigurationChange change;
  DCP_ASSIGN(change.plugins,
             host_.Reload(std::move(settings->host), [this] { return stopping_.load(); }));
  {
    const MutexLock lock(mutex_);
    if (settings->instance_jobs != instance_jobs_) {
      instance_jobs_ = std::move(settings->instance_jobs);
      change.settings.emplace_back("plugins.instances.job_sandbox");
    }
  }
  if (settings->log.level != log_.level) {
    log_.level = settings->log.level;
    log::Configure(log_);
    change.settings.emplace_back("log.level");
  }
  for (std::string& key : ChangedKeys(started_with_, settings->values)) {
    if (key == "log.level") continue;
    change.needs_restart.push_back(std::move(key));
  }
  return change;
}

}  // namespace dcp::daemon
