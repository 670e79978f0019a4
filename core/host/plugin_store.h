// SPDX-License-Identifier: Apache-2.0
//
// The plugins' files by content: STORE/ID/SHA256/plugin.so. What runs is always a copy in here, so
// a file that is replaced or overwritten where it came from changes nothing that runs, and what was
// checked is what is loaded. A file that finds libraries beside itself ($ORIGIN) runs where it is;
// that it did not change is checked at each start. Beside the files stand the operators' decisions,
// which outlive the daemon.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "host/digest.h"
#include "host/manifest.h"

namespace dcp::host {

/// A plugin's file; a large one with gRPC linked into it, and its symbols, has 100 MB.
constexpr int64_t kPluginFileBytesMax = int64_t{512} << 20;
/// Installed contents of one plugin. Each is a file on disk, and someone's to clear away.
constexpr size_t kInstalledMax = 100;

/// One content of a plugin.
struct StoredPlugin {
  std::string path;    ///< what is loaded
  std::string source;  ///< for people: the directory's file, or that which was installed
  std::string sha256;
  Manifest manifest;
  bool installed = false;    ///< by command; else it came from a directory
  std::string installed_at;  ///< RFC 3339
  std::string installed_by;
};

/// What an operator decided about an instance.
struct Decision {
  std::string sha256;  ///< runs this content; empty: what there is
  bool disabled = false;
  std::string reason;  ///< why it is disabled
  std::string by;
  std::string at;  ///< RFC 3339
};

class PluginStore {
 public:
  /// `directory` may be empty: then files run where they are, and nothing can be installed.
  static Result<std::unique_ptr<PluginStore>> Open(std::string directory);

  /// To ask beside the daemon whose store it is: creates, removes and corrects nothing. A directory
  /// that is not there is an empty store.
  static Result<std::unique_ptr<PluginStore>> Look(std::string directory);

  bool kept() const { return !directory_.empty(); }
  /// A private folder for files that are on their way in.
  const std::string& directory() const { return directory_; }

  /// The content that a configured directory's file has now, copied unless it is there. [any]
  /// blocks
  Result<StoredPlugin> Take(const std::string& path);
  /// The same for who only wants to know: nothing is copied, and `path` is then the file itself.
  Result<StoredPlugin> Peek(const std::string& path);
  /// Keeps a file that `incoming` holds; it is moved or removed. ALREADY_EXISTS is no error: it is
  /// answered with `existed`. INVALID_ARGUMENT when it is no plugin, or has another digest than
  /// `expected` (unless that is empty). [any] blocks
  Result<StoredPlugin> Install(const std::string& incoming, const std::string& source,
                               const std::string& by, const std::string& expected, bool& existed);
  /// Of one plugin (empty: of all), newest first. [any]
  std::vector<StoredPlugin> Installed(const std::string& id) const;
  /// The installed content that an instance of plugin `id` runs: the one it holds to, and without a
  /// decision the newest, unless a configured directory has the plugin. Empty: the directory's.
  /// [any]
  std::optional<StoredPlugin> Chosen(const std::string& id, const std::string& decided,
                                     bool in_directory) const;
  /// FAILED_PRECONDITION when the file is not what it was when it was accepted. Cheap as long as
  /// nobody wrote it. [any]
  Status CheckUnchanged(const StoredPlugin& plugin);
  /// Removes contents that came from directories and are not among `used` (digests).
  void RemoveUnused(const std::set<std::string>& used);

  std::optional<Decision> DecisionOn(const std::string& instance) const;  ///< [any]
  /// On disk when it returns; an empty decision forgets. [any]
  Status Decide(const std::map<std::string, Decision>& by_instance);

 private:
  explicit PluginStore(std::string directory) : directory_(std::move(directory)) {}
  Status Clean();
  Status Load() DCP_REQUIRES(mutex_);
  Result<StoredPlugin> Keep(const std::string& incoming, const std::string& digest,
                            StoredPlugin note, bool& existed) DCP_REQUIRES(mutex_);
  /// What is in the store of a file that nobody wrote since.
  const StoredPlugin* Known(const std::string& path, const FileStamp& stamp) const
      DCP_REQUIRES(mutex_);
  std::string FolderOf(const std::string& id, const std::string& digest) const;
  void LoadRecord(const std::string& id, const std::string& digest) DCP_REQUIRES(mutex_);

  const std::string directory_;
  mutable Mutex mutex_;
  std::vector<StoredPlugin> contents_ DCP_GUARDED_BY(mutex_);  ///< in the store, by time
  std::map<std::string, std::pair<FileStamp, std::string>> digests_
      DCP_GUARDED_BY(mutex_);  ///< of files looked at
  std::map<std::string, Decision> decisions_ DCP_GUARDED_BY(mutex_);
};

}  // namespace dcp::host
