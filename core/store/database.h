// SPDX-License-Identifier: Apache-2.0
//
// The open database: one session behind one mutex, the lock that keeps a second daemon out, and
// the way to the newest schema.
//
// Rationale for one session instead of a pool: SQLite has one writer, every write waits for the
// disk anyway, and what the daemon reads is small. One session cannot meet SQLITE_BUSY in its own
// process and sees its own writes; a pool would buy parallel reads that nobody waits for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

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

  static Result<std::unique_ptr<Database>> Open(const std::string& path);
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
  Status Migrate(const std::string& path);

  os::FileLock lock_;  // released last
  Mutex mutex_;
  std::unique_ptr<soci::session> sql_ DCP_GUARDED_BY(mutex_) DCP_PT_GUARDED_BY(mutex_);
};

}  // namespace dcp::store
