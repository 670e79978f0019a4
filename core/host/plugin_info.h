// SPDX-License-Identifier: Apache-2.0
//
// What an operator sees of plugins: files, versions, instances.
#pragma once

#include <string>
#include <vector>

namespace dcp::host {

struct InstanceState {
  std::string id;
  std::string plugin;
  std::string version;
  std::string sha256;  ///< of the content that serves
  std::string path;    ///< where that came from
  std::string isolation;
  std::string state;   ///< READY, RESTARTING, FAILED, DISABLED
  std::string detail;  ///< why it failed, and every path that was tried
  std::vector<std::string> capabilities;
  std::vector<std::string> methods;  ///< "run_backend.Submit"
  /// What its worker is not kept from although it should be, and why; empty: nothing.
  std::string unconfined;
  int restarts = 0;
  int64_t pid = 0;                  ///< of its worker
  std::vector<std::string> routes;  ///< that lead to it: "test_backend/default"
};

struct PluginVersion {
  std::string version;
  std::string sha256;
  std::string path;          ///< the directory's file, or the name of that which was installed
  std::string origin;        ///< "store", "directory"
  bool selected = false;     ///< what an instance runs that holds to no version of its own
  std::string installed_at;  ///< RFC 3339; empty for a directory's file
  std::string installed_by;
  std::vector<std::string> capabilities;  ///< "run_backend/1.0"
};

struct PluginInfo {
  std::string id;
  std::vector<PluginVersion> versions;
  std::vector<InstanceState> instances;
};

/// What a plugin says about itself before any of its code runs.
struct PluginDescription {
  std::string id;
  std::string version;
  std::string config_schema;  ///< compiled; empty: it publishes none
};

/// A file or folder that was passed over.
struct RefusedFile {
  std::string path;
  std::string reason;
};

struct PluginList {
  std::vector<PluginInfo> plugins;  ///< by id
  std::vector<RefusedFile> refused;
};

struct VerifiedFile {
  std::string id;
  std::string path;
  std::string sha256;
  std::string result;  ///< OK, CHANGED, REFUSED, MISSING
  std::string detail;
};

/// What `plugin reload` did to one instance.
struct Swapped {
  std::string id;
  std::string before;  ///< SHA-256; empty when nothing served
  std::string after;
  std::string version_before;
  std::string version_after;
};

}  // namespace dcp::host
