// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <new>
#include <string>

namespace dcp::store {
namespace {

/// SQLite's extended codes keep the primary one in the low byte.
constexpr int kPrimaryMask = 0xff;

/// Drops the library's function names in front: "x::y: UNIQUE constraint failed: t.c".
std::string_view WithoutPrefix(std::string_view text) {
  const size_t colon = text.find(": ");
  if (colon != std::string_view::npos && text.substr(0, colon).find("::") != text.npos) {
    text.remove_prefix(colon + 2);
  }
  return text;
}

}  // namespace

Status FromSqlite(int result, std::string_view what, std::string_view text) {
  const std::string message = std::string(what) + ": " + std::string(WithoutPrefix(text));
  switch (result & kPrimaryMask) {
    case SQLITE_CONSTRAINT:
      return AlreadyExists(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(message).WithHint("another process holds the database; end it");
    case SQLITE_FULL:
      return ResourceExhausted(message).WithHint("free space on the disk of the state folder");
    case SQLITE_IOERR:
      return Unavailable(message).WithHint("check the disk of the state folder");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return FailedPrecondition(message).WithHint(
          "the daemon's user must be able to write the state folder");
    case SQLITE_NOTADB:
      return DataLoss(message).WithHint("the file is no database; name another one or move it");
    case SQLITE_CORRUPT:
      return DataLoss(message).WithHint("restore the file from a backup, or move it aside");
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ResourceExhausted(message);
    default:
      return Internal(message);
  }
}

Status CurrentException(std::string_view what) {
  try {
    throw;
  } catch (const soci::sqlite3_soci_error& error) {
    return FromSqlite(error.result(), what, error.get_error_message());
  } catch (const soci::soci_error& error) {
    return Internal(std::string(what) + ": " + error.get_error_message());
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(std::string(what) + ": out of memory");
  } catch (const std::exception&) {
    // Its text could hold anything that was bound.
    return Internal(std::string(what) + ": the database library failed");
  }
}

}  // namespace dcp::store
