// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <fcntl.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/crash_point.h"
#include "store/errors.h"
#include "store/migrations.h"

namespace dcp::store {
namespace {

/// Only the daemon's user reads or writes its state.
constexpr mode_t kFileMode = 0600;
constexpr int kInterruptPauseMs = 5;

/// Holds the file next to the database for as long as the database is open.
Result<os::FileLock> LockDatabase(const std::string& path) {
  auto lock = os::FileLock::Acquire(path + ".lock");
  if (lock.status().code() == Code::kPermissionDenied) {
    return std::move(lock)
        .status()
        .With("open the database " + path)
        .WithHint("the daemon's user must be able to write the state folder");
  }
  if (lock.ok() || lock.status().code() != Code::kUnavailable) return lock;
  return FailedPrecondition("open the database " + path + ": another daemon has it open")
      .WithHint("stop that daemon, or give this one a state folder of its own");
}

/// Makes the file with its mode before SQLite would make it with the umask's; the WAL follows it.
Status MakePrivate(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return FromErrno(errno, "open the database " + path);
  close(fd);
  return Status::Ok();
}

/// SQLite removes its write-ahead log when the last session ends: what is there was left by a
/// daemon that was killed, or by a machine that lost its power.
bool EndedUncleanly(const std::string& path) {
  struct stat facts {};
  return stat((path + "-wal").c_str(), &facts) == 0 && facts.st_size > 0;
}

std::unique_ptr<soci::session> Session(const std::string& path) {
  auto sql = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path + "\"");
  *sql << "PRAGMA busy_timeout = " + std::to_string(kBusyTimeoutMs);
  return sql;
}

/// Ends what the session is at, from another thread.
void Interrupt(soci::session& sql) {
  auto* backend = static_cast<soci::sqlite3_session_backend*>(sql.get_backend());
  sqlite_api::sqlite3_interrupt(backend->conn_);
}

/// DATA_LOSS when the file is damaged; another failure says nothing of it.
Status Check(soci::session& sql, const std::string& path) {
  const std::string what = "check the database " + path;
  try {
    std::string text;
    sql << "PRAGMA quick_check(1)", soci::into(text);
    if (text == "ok") return Status::Ok();
    return DataLoss(what + ": it is damaged: " + text)
        .WithHint("stop the daemon; restore the file from a backup, or move it aside");
  } catch (...) {
    return CurrentException(what);
  }
}

int64_t Count(soci::session& sql, const std::string& query) {
  int64_t count = 0;
  sql << query, soci::into(count);
  return count;
}

/// 0 when no migration has run.
Result<int64_t> SchemaVersion(soci::session& sql, const std::string& path) {
  if (Count(sql, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_migration'") == 0) {
    if (Count(sql, "SELECT count(*) FROM sqlite_master") == 0) return int64_t{0};
    return FailedPrecondition("open the database " + path + ": it belongs to another program")
        .WithHint("name another file");
  }
  return Count(sql, "SELECT coalesce(max(version), 0) FROM schema_migration");
}

void Apply(soci::session& sql, const Migration& migration) {
  for (const std::string_view statement : Statements(migration.sql)) {
    sql << std::string(statement);
  }
  const int64_t version = migration.version;
  const std::string name(migration.name);
  const int64_t now = SystemClock().Wall();
  sql << "INSERT INTO schema_migration (version, name, applied_at) VALUES (:version, :name, :at)",
      soci::use(version, "version"), soci::use(name, "name"), soci::use(now, "at");
}

}  // namespace

Result<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                 std::function<void(const Status&)> damaged) {
  if (path.empty() || path.find('"') != path.npos) {
    return InvalidArgument("open a database: its path must not be empty or hold a quote");
  }
  DCP_ASSIGN(os::FileLock lock, LockDatabase(path));
  auto database = std::unique_ptr<Database>(new Database(std::move(lock)));
  DCP_TRY(MakePrivate(path));
  const bool unclean = EndedUncleanly(path);
  DCP_TRY(database->Connect(path));
  DCP_TRY(database->Migrate(path));
  DCP_TRY(database->ConnectReader(path));
  DCP_TRY(database->Scrub());  // of what a migration, or the daemon before, took out
  if (unclean) DCP_TRY(database->StartCheck(path, std::move(damaged)));
  return database;
}

Database::Database(os::FileLock lock) : lock_(std::move(lock)) {}

Database::~Database() {
  if (!check_.joinable()) return;
  // Again and again: one that comes before the check has begun ends nothing.
  for (; !check_done_; std::this_thread::sleep_for(std::chrono::milliseconds(kInterruptPauseMs))) {
    Interrupt(*checker_);
  }
  check_.join();
}

Status Database::Connect(const std::string& path) {
  const std::string what = "open the database " + path;
  const MutexLock lock(mutex_);
  try {
    sql_ = Session(path);
    std::string text;
    *sql_ << "PRAGMA journal_mode = WAL", soci::into(text);
    if (text != "wal") {
      return FailedPrecondition(what + ": its file system cannot hold a write-ahead log")
          .WithHint("put the state folder on a local disk");
    }
    *sql_ << "PRAGMA synchronous = FULL";
    *sql_ << "PRAGMA foreign_keys = ON";
    // What is deleted is overwritten: rows of production's tables are among it.
    *sql_ << "PRAGMA secure_delete = ON";
    return Status::Ok();
  } catch (...) {
    return CurrentException(what);
  }
}

Status Database::ConnectReader(const std::string& path) {
  const MutexLock lock(read_mutex_);
  try {
    reader_ = Session(path);
    *reader_ << "PRAGMA query_only = ON";
    return Status::Ok();
  } catch (...) {
    return CurrentException("open the database " + path);
  }
}

Status Database::StartCheck(const std::string& path, std::function<void(const Status&)> damaged) {
  try {
    checker_ = Session(path);
    *checker_ << "PRAGMA query_only = ON";
  } catch (...) {
    return CurrentException("check the database " + path);
  }
  check_ = std::thread([this, path, damaged = std::move(damaged)] {
    const Status found = Check(*checker_, path);
    if (found.code() == Code::kDataLoss && damaged) damaged(found);
    check_done_ = true;
  });
  return Status::Ok();
}

Status Database::Migrate(const std::string& path) {
  const auto migrations = Migrations();
  const int64_t newest = migrations.back().version;
  return Write("bring the database " + path + " up to date", [&](soci::session& sql) -> Status {
    DCP_ASSIGN(const int64_t found, SchemaVersion(sql, path));
    if (found > newest) {
      return FailedPrecondition("open the database " + path + ": its schema has version " +
                                std::to_string(found) + ", this program knows up to " +
                                std::to_string(newest))
          .WithHint("use the newer program that wrote it");
    }
    if (found == 0) {
      sql << "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY, "
             "name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
    }
    for (const Migration& migration : migrations) {
      if (migration.version > found) Apply(sql, migration);
      DCP_CRASH_POINT("store.migration.step_done");
    }
    return Status::Ok();
  });
}

Status Database::Write(std::string_view what, const Body& body) {
  const MutexLock lock(mutex_);
  bool open = false;
  Status status;
  try {
    // IMMEDIATE: the write lock is taken now, not in the middle.
    *sql_ << "BEGIN IMMEDIATE";
    open = true;
    status = body(*sql_);
    if (status.ok()) {
      DCP_CRASH_POINT("store.write.before_commit");
      *sql_ << "COMMIT";
      DCP_CRASH_POINT("store.write.after_commit");
      return status;
    }
  } catch (...) {
    status = CurrentException(what);
  }
  if (open) {
    try {
      *sql_ << "ROLLBACK";
    } catch (const std::exception&) {
      // SQLite rolls back by itself for some failures, and then knows no transaction to end.
    }
  }
  return status;
}

Status Database::Scrub() {
  const MutexLock lock(mutex_);
  const MutexLock no_reader(read_mutex_);
  try {
    // Another program that reads the file at this moment puts it off to a later checkpoint.
    *sql_ << "PRAGMA wal_checkpoint(TRUNCATE)";
    return Status::Ok();
  } catch (...) {
    return CurrentException("empty the database's write-ahead log");
  }
}

Status Database::Read(std::string_view what, const Body& body) {
  const MutexLock lock(read_mutex_);
  try {
    return body(*reader_);
  } catch (...) {
    return CurrentException(what);
  }
}

}  // namespace dcp::store
