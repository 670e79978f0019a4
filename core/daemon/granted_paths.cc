// SPDX-License-Identifier: Apache-2.0
#include "daemon/granted_paths.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <utility>
#include <vector>

#include "catalog/location.h"

namespace dcp::daemon {
namespace {

using config::Section;

/// As the kernel's own limit.
constexpr int kLinksMax = 40;

void PutBefore(std::deque<std::string>& parts, const std::string& path) {
  std::vector<std::string> added;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) added.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.insert(parts.begin(), added.begin(), added.end());
}

/// A folder that confined programs may write, without links.
struct Written {
  std::string folder;
  std::string by;
};

bool IsBelow(const std::string& path, const std::string& folder) {
  return path.starts_with(folder == "/" ? folder : folder + "/");
}

class Grants {
 public:
  void Writes(const std::vector<std::string>& folders, const std::string& by) {
    for (const std::string& folder : folders) written_.push_back({ResolveLinks(folder), by});
  }

  /// Replaces them; a link that a program may have made is reported at `key`.
  void Resolve(const Section& section, const std::string& key,
               std::vector<std::string>& paths) const {
    for (std::string& path : paths) path = Resolve(section, key, path);
  }

  std::string Resolve(const Section& section, const std::string& key,
                      const std::string& path) const {
    return ResolveLinks(path, [&](const std::string& link) {
      for (const Written& each : written_) {
        if (!IsBelow(link, each.folder)) continue;
        section.Fail(key,
                     "\"" + path + "\" leads through the link " + link + ", which " + each.by +
                         " can make, since it may write " + each.folder,
                     "remove that link, and find out who put it there; or name the folder itself");
        return;
      }
    });
  }

 private:
  std::vector<Written> written_;
};

std::string LocalFolder(const std::string& location) {
  const auto path = catalog::LocalPath(location);
  return path.ok() ? *path : "";
}

Grants AllWriters(const Settings& settings) {
  Grants grants;
  for (const ServiceSettings& service : settings.services) {
    if (!service.sandbox) continue;
    grants.Writes(service.sandbox->write, "service " + service.name);
    grants.Writes(service.directories, "service " + service.name);
  }
  grants.Writes({settings.state_dir + "/jobs"}, "a job");
  if (settings.job_sandbox) grants.Writes(settings.job_sandbox->write, "a job");
  for (const auto& [instance, jobs] : settings.instance_jobs) {
    grants.Writes(jobs.write, "a job of plugin instance " + instance);
  }
  if (!settings.overlay_folder.empty()) grants.Writes({settings.overlay_folder}, "a job");
  for (const host::InstanceSettings& instance : settings.host.instances) {
    grants.Writes(instance.sandbox.write, "plugin instance " + instance.id);
  }
  return grants;
}

}  // namespace

std::string ResolveLinks(const std::string& path,
                         const std::function<void(const std::string& link)>& on_link) {
  std::deque<std::string> parts;
  PutBefore(parts, path);
  std::string found;
  int links = 0;
  while (!parts.empty()) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      found.resize(found.empty() ? 0 : found.rfind('/'));
      continue;
    }
    std::string next = found + "/" + part;
    std::error_code error;
    const auto target = std::filesystem::read_symlink(next, error);
    if (error || ++links > kLinksMax) {  // no link, not there, or in a circle
      found = std::move(next);
      continue;
    }
    if (on_link) on_link(next);
    if (target.is_absolute()) found.clear();
    PutBefore(parts, target.string());
  }
  return found.empty() ? "/" : found;
}

void ResolveGrantedPaths(const Section& root, Settings& settings) {
  settings.production_folder = LocalFolder(settings.production_warehouse);
  settings.overlay_folder = LocalFolder(settings.catalog.overlay_warehouse);
  const Grants grants = AllWriters(settings);
  const auto services = root.Subs("services");
  for (size_t i = 0; i < services.size() && i < settings.services.size(); ++i) {
    ServiceSettings& service = settings.services[i];
    if (!service.sandbox) continue;
    const Section sandbox = services[i].Sub("sandbox");
    grants.Resolve(sandbox, "read", service.sandbox->read);
    grants.Resolve(sandbox, "write", service.sandbox->write);
    grants.Resolve(services[i], "directories", service.directories);
    for (ServiceFile& file : service.files) {
      file.path = grants.Resolve(services[i], "files", file.path);
    }
  }
  // What the daemon itself reads for a service, confined or not.
  for (size_t i = 0; i < services.size() && i < settings.services.size(); ++i) {
    for (ServiceFile& file : settings.services[i].files) {
      if (file.include.empty() || file.include.front() != '/') continue;
      file.include = grants.Resolve(services[i], "files", file.include);
    }
  }
  const Section catalog = root.Sub("catalog");
  for (const auto& [folder, key] : {std::pair(&settings.production_folder, "production"),
                                    std::pair(&settings.overlay_folder, "overlay")}) {
    if (!folder->empty()) *folder = grants.Resolve(catalog.Sub(key), "warehouse", *folder);
  }
  if (settings.job_sandbox) {
    const Section sandbox = root.Sub("runs").Sub("sandbox");
    grants.Resolve(sandbox, "read", settings.job_sandbox->read);
    grants.Resolve(sandbox, "write", settings.job_sandbox->write);
  }
  const auto instances = root.Sub("plugins").Subs("instances");
  for (size_t i = 0; i < instances.size() && i < settings.host.instances.size(); ++i) {
    host::InstanceSettings& instance = settings.host.instances[i];
    const Section sandbox = instances[i].Sub("sandbox");
    grants.Resolve(sandbox, "read", instance.sandbox.read);
    grants.Resolve(sandbox, "write", instance.sandbox.write);
    instance.sandbox.resolved = true;
    const auto jobs = settings.instance_jobs.find(instance.id);
    if (jobs == settings.instance_jobs.end()) continue;
    const Section job_sandbox = instances[i].Sub("job_sandbox");
    grants.Resolve(job_sandbox, "read", jobs->second.read);
    grants.Resolve(job_sandbox, "write", jobs->second.write);
  }
}

}  // namespace dcp::daemon
