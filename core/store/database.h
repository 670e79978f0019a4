// SPDX-License-Identifier: Apache-2.0
//
// The open database: a session that writes and one that reads, each behind a mutex, the lock that
// keeps a second daemon out, and the way to the newest schema.
//
// Rationale for two sessions instead of a pool: SQLite has one writer, and each of its commits
// waits for the disk. Reading must not wait with it, or watchers would slow down what they watch.
// What is read is small, so one reader is enough; it sees every write whose Write() has returned.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "os/file.h"

namespace soci {
class session;
}  // namespace soci

namespace dcp::store {

/// How long SQLite itself waits for a lock: only a person's sqlite3 shell can hold one, since the
/// lock file keeps other daemons out.
constexpr int kBusyTimeoutMs = 5000;

class Database {
 public:
  using Body = std::function<Status(soci::session& sql)>;

  /// After an end that was none of ours (the write-ahead log is still there) the file is checked
  /// in the background: `damaged` is called, from a thread, if it is. Not called once the
  /// destructor has returned.
  static Result<std::unique_ptr<Database>> Open(const std::string& path,
                                                std::function<void(const Status&)> damaged);
  ~Database();

  /// Runs `body` in a transaction: committed when it answers OK, rolled back otherwise. Exceptions
  /// of the library become a Status that begins with `what`. [any] blocks
  Status Write(std::string_view what, const Body& body);
  /// Runs `body` without one. [any] blocks
  Status Read(std::string_view what, const Body& body);
  /// What was deleted or replaced before is not in the files any more: SQLite overwrites it there
  /// (secure_delete), and the write-ahead log is emptied into the database here. [any] blocks
  Status Scrub();

 private:
  explicit Database(os::FileLock lock);
  Status Connect(const std::string& path);
  Status ConnectReader(const std::string& path);
  Status Migrate(const std::string& path);
  Status StartCheck(const std::string& path, std::function<void(const Status&)> damaged);

  os::FileLock lock_;  // released last
  Mutex mutex_;        // before read_mutex_
  std::unique_ptr<soci::session> sql_ DCP_GUARDED_BY(mutex_) DCP_PT_GUARDED_BY(mutex_);
  Mutex read_mutex_;
  std::unique_ptr<soci::session> reader_ DCP_GUARDED_BY(read_mutex_) DCP_PT_GUARDED_BY(read_mutex_);
  std::unique_ptr<soci::session> checker_;  // the check's own, until it is joined
  std::atomic<bool> check_done_ = false;
  std::thread check_;
};

}  // namespace dcp::store
