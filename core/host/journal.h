// SPDX-License-Identifier: Apache-2.0
//
// The last lines about one plugin instance: what it said through its log function, what its worker
// printed, and what the host says about it. In memory and bounded; the daemon's own log has it all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "log/log.h"

namespace dcp::host {

/// Of one instance: what led to a failure, with room for a plugin that prints a lot. With the most
/// that a daemon runs (some tens of instances) a few MiB.
constexpr size_t kJournalLinesMax = 2000;
constexpr size_t kJournalBytesMax = size_t{512} << 10;
/// Of a line; as long as a worker's output is cut anyway.
constexpr size_t kJournalLineBytesMax = 4096;

/// Where a line comes from.
inline constexpr char kSourcePlugin[] = "plugin";  ///< its log function
inline constexpr char kSourceHost[] = "host";
inline constexpr char kSourceStdout[] = "stdout";
inline constexpr char kSourceStderr[] = "stderr";

struct JournalLine {
  WallMillis at = 0;
  log::Level level = log::Level::kInfo;
  std::string source;
  std::string text;  ///< one printable line of UTF-8
};

/// Of one instance's id: kept over restarts of its worker, and over a reload that replaces it.
/// [any]
class Journal {
 public:
  void Add(log::Level level, std::string_view source, std::string_view text);

  struct Page {
    std::vector<JournalLine> lines;
    int64_t next = 0;    ///< where the next page begins
    int64_t missed = 0;  ///< lines from `from` on that were let go before anybody read them
  };
  /// Lines from number `from` on, at most `max`. Numbers count from 0.
  Page Read(int64_t from, size_t max) const;
  /// The number of the line that begins the last `lines`; 0 means all that are kept.
  int64_t Tail(size_t lines) const;

 private:
  mutable Mutex mutex_;
  std::deque<JournalLine> lines_ DCP_GUARDED_BY(mutex_);
  int64_t first_ DCP_GUARDED_BY(mutex_) = 0;  ///< number of the oldest that is kept
  size_t bytes_ DCP_GUARDED_BY(mutex_) = 0;
};

}  // namespace dcp::host
