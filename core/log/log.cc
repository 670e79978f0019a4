// SPDX-License-Identifier: Apache-2.0
//
// The one global of the process: the logger. Lines are formatted by the caller and written by a
// thread of their own, so that a slow reader of stderr cannot hold up a request; when its queue is
// full the oldest line is dropped, and the next line says so.
#include "log/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/redaction.h"
#include "log/format.h"

namespace dcp::log {
namespace {

// Lines waiting for stderr: seconds of the busiest daemon, at a few hundred bytes each.
constexpr size_t kQueueLinesMax = 4096;

/// A queue, its thread and the logger in front of them. Destroying it writes what is queued.
struct Pipeline {
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueueLinesMax, 1);
  std::shared_ptr<spdlog::async_logger> logger;
  size_t dropped = 0;

  Pipeline() {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_pattern("%v");
    logger = std::make_shared<spdlog::async_logger>("dcp", std::move(sink), pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  }
};

class Logger {
 public:
  void Configure(const Options& options) {
    const MutexLock lock(mutex_);
    options_ = options;
  }

  void Write(Id id, std::span<const Field> fields) {
    const Message& message = MessageOf(id);
    if (!Wanted(message)) return;
    // Whatever a value was made of: it may be a plugin's word, or quote one. Not under the lock: a
    // long value takes a moment, and everybody writes here.
    std::vector<Field> shown;
    for (const Field& field : fields) shown.emplace_back(field.key, Redact(field.value));
    const MutexLock lock(mutex_);
    if (!pipeline_) pipeline_ = std::make_unique<Pipeline>();
    const size_t dropped = pipeline_->pool->overrun_counter();
    if (dropped > pipeline_->dropped) {
      const Field count("lines", static_cast<int64_t>(dropped - pipeline_->dropped));
      pipeline_->dropped = dropped;
      Put(MessageOf(Id::kLogLinesDropped), {&count, 1});
    }
    Put(message, shown);
  }

  void Flush() {
    std::unique_ptr<Pipeline> old;
    {
      const MutexLock lock(mutex_);
      old = std::move(pipeline_);  // the next line starts a new one
    }
  }

 private:
  bool Wanted(const Message& message) {
    const MutexLock lock(mutex_);
    return message.level >= options_.level;
  }

  void Put(const Message& message, std::span<const Field> fields) DCP_REQUIRES(mutex_) {
    const WallMillis now = SystemClock().Wall();
    const std::string line =
        options_.json ? FormatJson(now, message, fields) : FormatText(now, message, fields);
    pipeline_->logger->log(spdlog::level::info, spdlog::string_view_t(line));
  }

  Mutex mutex_;
  Options options_ DCP_GUARDED_BY(mutex_);
  std::unique_ptr<Pipeline> pipeline_ DCP_GUARDED_BY(mutex_);
};

Logger& TheLogger() {
  static Logger logger;
  return logger;
}

}  // namespace

void Configure(const Options& options) { TheLogger().Configure(options); }

void Write(Id id, std::initializer_list<Field> fields) {
  try {
    TheLogger().Write(id, {fields.begin(), fields.size()});
  } catch (const std::exception&) {
    // Out of memory or of threads: a line is lost, the request is not.
  }
}

void Flush() {
  try {
    TheLogger().Flush();
  } catch (const std::exception&) {
  }
}

}  // namespace dcp::log
