// SPDX-License-Identifier: Apache-2.0
//
// Content-addressed copies, their records, and decisions. Each file is written as a whole or not at
// all, so the store can be read at any time and after any end of the daemon.
#include "host/plugin_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/id.h"
#include "host/elf_dynamic.h"
#include "os/file.h"

namespace dcp::host {
namespace {

using Json = nlohmann::json;

constexpr char kFileName[] = "plugin.so";
constexpr char kRecordName[] = "record.json";
constexpr char kDecisionsName[] = "decisions.json";
constexpr size_t kRecordBytesMax = size_t{16} << 10;
constexpr size_t kDecisionsBytesMax = size_t{4} << 20;
constexpr size_t kDigestDigits = 64;

bool IsDigest(const std::string& text) {
  return text.size() == kDigestDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool FlagIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

Status CheckFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FromErrno(errno, "cannot look at " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + " is not a file");
  if (info.st_size <= kPluginFileBytesMax) return {};
  return ResourceExhausted(path + " has " + std::to_string(info.st_size) +
                           " bytes, a plugin may have " + std::to_string(kPluginFileBytesMax))
      .WithHint("leave debug information out of it (strip -g)");
}

/// One that finds libraries beside itself runs where it is.
bool IsMovable(const std::string& path) {
  const auto read = ReadDynamic(path);
  if (!read.ok()) return true;  // what is wrong with it, the loader says
  const DynamicFacts& facts = *read;
  return facts.search_path.find("$ORIGIN") == facts.search_path.npos &&
         facts.search_path.find("${ORIGIN}") == facts.search_path.npos;
}

void Remove(const std::string& path) {
  std::error_code ignored;  // it is gone when it was kept; a leftover is removed at the next start
  std::filesystem::remove(path, ignored);
}

std::vector<std::string> Names(const std::string& directory) {
  return os::ListDirectory(directory).value_or(std::vector<std::string>());
}

}  // namespace

Result<std::unique_ptr<PluginStore>> PluginStore::Open(std::string directory) {
  std::unique_ptr<PluginStore> store(new PluginStore(std::move(directory)));
  if (!store->kept()) return store;
  DCP_TRY(store->Clean());
  const MutexLock lock(store->mutex_);
  DCP_TRY(store->Load());
  return store;
}

Result<std::unique_ptr<PluginStore>> PluginStore::Look(std::string directory) {
  std::unique_ptr<PluginStore> store(new PluginStore(std::move(directory)));
  const MutexLock lock(store->mutex_);
  if (store->kept()) DCP_TRY(store->Load());
  return store;
}

std::string PluginStore::FolderOf(const std::string& id, const std::string& digest) const {
  return directory_ + "/" + id + "/" + digest;
}

/// What a life that ended in between left, or a release that kept its copies in another form.
Status PluginStore::Clean() {
  DCP_TRY(os::MakeDirectories(directory_, 0700));
  for (const std::string& name : Names(directory_)) {
    const std::string path = directory_ + "/" + name;
    const bool foreign = name.rfind("incoming-", 0) == 0 || name.ends_with(".so");
    if (foreign && !os::IsFolder(path)) Remove(path);
  }
  return {};
}

Status PluginStore::Load() {
  for (const std::string& id : Names(directory_)) {
    const std::string folder = directory_ + "/" + id;
    if (!os::IsFolder(folder)) continue;
    for (const std::string& digest : Names(folder)) {
      if (IsDigest(digest)) LoadRecord(id, digest);
    }
  }
  std::stable_sort(contents_.begin(), contents_.end(),
                   [](const auto& a, const auto& b) { return a.installed_at < b.installed_at; });
  const auto text = os::ReadFile(directory_ + "/" + kDecisionsName, kDecisionsBytesMax);
  if (text.status().code() == Code::kNotFound) return {};
  DCP_TRY(text.status());
  const Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    // A plugin that was disabled must not come back because nobody can read that any more.
    return FailedPrecondition(directory_ + "/" + kDecisionsName + " is damaged")
        .WithHint(
            "it holds which plugin instances are disabled or hold to a version: mend or "
            "remove it, and disable what must be");
  }
  for (const auto& [instance, each] : json.items()) {
    decisions_[instance] = {TextIn(each, "sha256"), FlagIn(each, "disabled"),
                            TextIn(each, "reason"), TextIn(each, "by"), TextIn(each, "at")};
  }
  return {};
}

void PluginStore::LoadRecord(const std::string& id, const std::string& digest) {
  const std::string folder = FolderOf(id, digest);
  const auto text = os::ReadFile(folder + "/" + kRecordName, kRecordBytesMax);
  const Json json = text.ok() ? Json::parse(*text, nullptr, false) : Json();
  StoredPlugin stored;
  stored.path = folder + "/" + kFileName;
  auto manifest = ReadManifest(stored.path);
  if (!json.is_object() || !manifest.ok()) return;  // half written: as if it were not there
  stored.manifest = std::move(manifest).value();
  stored.sha256 = digest;
  stored.source = TextIn(json, "source");
  stored.installed = FlagIn(json, "installed");
  stored.installed_at = TextIn(json, "at");
  stored.installed_by = TextIn(json, "by");
  contents_.push_back(std::move(stored));
}

Result<StoredPlugin> PluginStore::Keep(const std::string& incoming, const std::string& digest,
                                       StoredPlugin note, bool& existed) {
  // From the copy: who writes the original meanwhile changes nothing.
  DCP_ASSIGN(note.manifest, ReadManifest(incoming).With(note.source));
  const std::string folder = FolderOf(note.manifest.id, digest);
  note.path = folder + "/" + kFileName;
  note.sha256 = digest;
  const auto found = std::find_if(contents_.begin(), contents_.end(),
                                  [&](const auto& each) { return each.path == note.path; });
  existed = found != contents_.end() && found->installed >= note.installed;
  const bool whole = found != contents_.end() && DigestOf(note.path).value_or("") == digest;
  if (!whole) {
    DCP_TRY(os::MakeDirectories(folder, 0700));
    // All of it is on disk before the record says so.
    DCP_TRY(os::MoveIntoPlace(incoming, note.path));
  }
  if (existed) {
    found->source = note.source;
    return *found;
  }
  note.installed_at = FormatTime(SystemClock().Wall());
  const Json record = {{"source", note.source},
                       {"installed", note.installed},
                       {"at", note.installed_at},
                       {"by", note.installed_by}};
  DCP_TRY(os::WriteFileAtomic(folder + "/" + kRecordName, record.dump(2) + "\n"));
  if (found != contents_.end()) contents_.erase(found);
  contents_.push_back(note);
  return note;
}

const StoredPlugin* PluginStore::Known(const std::string& path, const FileStamp& stamp) const {
  const auto known = digests_.find(path);
  if (known == digests_.end() || known->second.first != stamp) return nullptr;
  const auto found = std::find_if(contents_.begin(), contents_.end(), [&](const auto& each) {
    return each.sha256 == known->second.second;
  });
  return found == contents_.end() ? nullptr : &*found;
}

Result<StoredPlugin> PluginStore::Peek(const std::string& path) {
  DCP_TRY(CheckFile(path));
  DCP_ASSIGN(const FileStamp stamp, StampOf(path));
  const MutexLock lock(mutex_);
  if (const StoredPlugin* known = Known(path, stamp)) return *known;
  StoredPlugin seen;
  seen.source = path;
  seen.path = path;
  if (const auto known = digests_.find(path);
      known != digests_.end() && known->second.first == stamp) {
    seen.sha256 = known->second.second;
  } else {
    DCP_ASSIGN(seen.sha256, DigestOf(path));
  }
  DCP_ASSIGN(seen.manifest, ReadManifest(path));
  digests_[path] = {stamp, seen.sha256};
  return seen;
}

Result<StoredPlugin> PluginStore::Take(const std::string& path) {
  if (!kept() || !IsMovable(path)) return Peek(path);
  DCP_TRY(CheckFile(path));
  DCP_ASSIGN(const FileStamp stamp, StampOf(path));
  const MutexLock lock(mutex_);
  if (const StoredPlugin* known = Known(path, stamp)) return *known;
  StoredPlugin note;
  note.source = path;
  const std::string incoming = directory_ + "/incoming-" + RandomHex(8);
  const auto digest = CopyWithDigest(path, incoming);
  bool existed = false;
  auto taken = digest.ok() ? Keep(incoming, *digest, std::move(note), existed)
                           : Result<StoredPlugin>(digest.status());
  Remove(incoming);
  DCP_TRY(taken.status());
  digests_[path] = {stamp, taken->sha256};
  return taken;
}

Result<StoredPlugin> PluginStore::Install(const std::string& incoming, const std::string& source,
                                          const std::string& by, const std::string& expected,
                                          bool& existed) {
  const auto install = [&]() -> Result<StoredPlugin> {
    DCP_TRY(CheckFile(incoming));
    DCP_ASSIGN(const std::string digest, DigestOf(incoming));
    if (!expected.empty() && digest != expected) {
      return InvalidArgument(source + " has the SHA-256 " + digest + ", and " + expected +
                             " was expected")
          .WithHint(
              "compare where it came from: it is another build, damaged, or not what it "
              "claims to be");
    }
    const MutexLock lock(mutex_);
    StoredPlugin note;
    note.source = source;
    note.installed = true;
    note.installed_by = by;
    DCP_ASSIGN(const Manifest manifest, ReadManifest(incoming));
    const auto count = std::count_if(contents_.begin(), contents_.end(), [&](const auto& each) {
      return each.installed && each.manifest.id == manifest.id;
    });
    if (static_cast<size_t>(count) >= kInstalledMax) {
      return ResourceExhausted(std::to_string(kInstalledMax) + " contents of plugin " +
                               manifest.id + " are installed")
          .WithHint("remove old ones below " + directory_ + "/" + manifest.id +
                    " while dcpd is stopped");
    }
    return Keep(incoming, digest, std::move(note), existed);
  };
  auto installed =
      kept() ? install() : Result<StoredPlugin>(FailedPrecondition("this host keeps no plugins"));
  Remove(incoming);
  return installed;
}

std::vector<StoredPlugin> PluginStore::Installed(const std::string& id) const {
  const MutexLock lock(mutex_);
  std::vector<StoredPlugin> found;
  for (auto each = contents_.rbegin(); each != contents_.rend(); ++each) {
    if (each->installed && (id.empty() || each->manifest.id == id)) found.push_back(*each);
  }
  return found;
}

std::optional<StoredPlugin> PluginStore::Chosen(const std::string& id, const std::string& decided,
                                                bool in_directory) const {
  if (decided.empty() && in_directory) return std::nullopt;
  for (StoredPlugin& each : Installed(id)) {
    if (decided.empty() || each.sha256 == decided) return std::move(each);
  }
  return std::nullopt;
}

Status PluginStore::CheckUnchanged(const StoredPlugin& plugin) {
  DCP_TRY(CheckFile(plugin.path));
  DCP_ASSIGN(const FileStamp stamp, StampOf(plugin.path));
  const MutexLock lock(mutex_);
  const auto known = digests_.find(plugin.path);
  std::string digest;
  if (known != digests_.end() && known->second.first == stamp) {
    digest = known->second.second;
  } else {
    DCP_ASSIGN(digest, DigestOf(plugin.path));
    digests_[plugin.path] = {stamp, digest};
  }
  if (digest == plugin.sha256) return {};
  return FailedPrecondition(plugin.path + " was changed after it was accepted: its SHA-256 was " +
                            plugin.sha256 + " and is " + digest)
      .WithHint("find out who wrote it, then `pretzel plugin reload` takes what is there now");
}

void PluginStore::RemoveUnused(const std::set<std::string>& used) {
  const MutexLock lock(mutex_);
  std::erase_if(contents_, [&](const StoredPlugin& each) {
    if (each.installed || used.count(each.sha256) > 0) return false;
    return os::RemoveTree(FolderOf(each.manifest.id, each.sha256)).ok();
  });
}

std::optional<Decision> PluginStore::DecisionOn(const std::string& instance) const {
  const MutexLock lock(mutex_);
  const auto found = decisions_.find(instance);
  return found == decisions_.end() ? std::nullopt : std::optional<Decision>(found->second);
}

Status PluginStore::Decide(const std::map<std::string, Decision>& by_instance) {
  const MutexLock lock(mutex_);
  std::map<std::string, Decision> next = decisions_;
  for (const auto& [instance, decision] : by_instance) {
    const bool empty = decision.sha256.empty() && !decision.disabled;
    if (empty) next.erase(instance);
    if (!empty) next[instance] = decision;
  }
  if (kept()) {
    Json json = Json::object();
    for (const auto& [instance, each] : next) {
      json[instance] = {{"sha256", each.sha256},
                        {"disabled", each.disabled},
                        {"reason", each.reason},
                        {"by", each.by},
                        {"at", each.at}};
    }
    DCP_TRY(os::WriteFileAtomic(directory_ + "/" + kDecisionsName, json.dump(2) + "\n"));
  }
  decisions_ = std::move(next);
  return {};
}

}  // namespace dcp::host
