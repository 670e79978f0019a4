// SPDX-License-Identifier: Apache-2.0
//
// Captured output.
#include "host/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/redaction.h"
#include "host/plugin_runtime.h"
#include "log/log.h"

namespace dcp::host {

void LogPluginLine(const std::string& plugin, const std::string& instance, uint32_t level,
                   std::string_view line, Journal& journal) {
  const log::Id id = level <= 1   ? log::Id::kPluginTraced
                     : level == 2 ? log::Id::kPluginSaid
                                  : log::Id::kPluginWarned;
  // The worker cuts a longer one, perhaps within a secret.
  if (line.size() >= kLogLineBytesMax) line = line.substr(0, RedactableEnd(line));
  log::Write(id, {{"plugin", plugin}, {"instance", instance}, {"line", std::string(line)}});
  const auto own =
      static_cast<log::Level>(std::min<uint32_t>(level, static_cast<uint32_t>(log::Level::kError)));
  journal.Add(own, kSourcePlugin, line);
}

OutputPipe::~OutputPipe() {
  if (fd_ >= 0) close(fd_);
}

Status OutputPipe::Open(std::string plugin, std::string instance, std::shared_ptr<Journal> journal,
                        int& child_fd) {
  plugin_ = std::move(plugin);
  instance_ = std::move(instance);
  journal_ = std::move(journal);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FromErrno(errno, "pipe for a plugin's output");
  fd_ = ends[0];
  child_fd = ends[1];
  // Only our end: a plugin that prints expects a pipe that waits.
  if (fcntl(fd_, F_SETFL, O_NONBLOCK) != 0) return FromErrno(errno, "pipe for a plugin's output");
  return Status::Ok();
}

void OutputPipe::Read() {
  char buffer[kOutputLineMax];
  // Bounded, so that a flood on one pipe does not keep the socket waiting.
  for (int round = 0; fd_ >= 0 && round < 16; ++round) {
    const ssize_t got = read(fd_, buffer, sizeof(buffer));
    if (got > 0) {
      Take({buffer, static_cast<size_t>(got)});
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else if (got < 0 && errno == EAGAIN) {
      return;
    } else {
      close(fd_);
      fd_ = -1;
    }
  }
}

void OutputPipe::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t room = kOutputLineMax - line_.size();
    const size_t end = std::min(bytes.find('\n'), room);
    const bool whole = end < bytes.size();
    line_ += bytes.substr(0, end);
    const bool newline = whole && bytes[end] == '\n';
    bytes.remove_prefix(std::min(bytes.size(), end + (newline ? 1 : 0)));
    if (newline) {
      Remember(line_ + "\n");
      Emit();
    } else if (line_.size() >= kOutputLineMax) {
      Cut();
    }
  }
}

/// A line that is too long, in two; not within what may be a secret.
void OutputPipe::Cut() {
  const size_t safe = RedactableEnd(line_);
  const size_t end = safe > 0 ? safe : line_.size();
  std::string rest = line_.substr(end);
  line_.resize(end);
  Remember(line_);
  Emit();
  line_ = std::move(rest);
}

/// For the end that explains a death. Redacted before it is cut, which could cut a secret.
void OutputPipe::Remember(const std::string& text) {
  tail_ += Redact(text);
  if (tail_.size() > kOutputTailMax) tail_.erase(0, tail_.size() - kOutputTailMax);
}

void OutputPipe::Emit() {
  const int64_t second = SystemClock().Steady() / 1000;
  if (second != second_) {
    if (suppressed_ > 0) {
      log::Write(log::Id::kPluginOutputDropped, {{"plugin", plugin_},
                                                 {"instance", instance_},
                                                 {"stream", stream_},
                                                 {"lines", suppressed_}});
      journal_->Add(log::Level::kWarning, kSourceHost,
                    std::to_string(suppressed_) + " lines of its " + stream_ +
                        " were dropped: more than " + std::to_string(kOutputLinesPerSecondMax) +
                        " in a second");
    }
    second_ = second;
    lines_ = 0;
    suppressed_ = 0;
  }
  if (++lines_ > kOutputLinesPerSecondMax) {
    ++suppressed_;
  } else if (!line_.empty()) {
    log::Write(
        log::Id::kPluginOutput,
        {{"plugin", plugin_}, {"instance", instance_}, {"stream", stream_}, {"line", line_}});
    journal_->Add(log::Level::kInfo, stream_, line_);
  }
  line_.clear();
}

void OutputPipe::Flush() {
  if (line_.empty()) return;
  Remember(line_);
  Emit();
}

}  // namespace dcp::host
