// SPDX-License-Identifier: Apache-2.0
//
// What a worker prints: read from a pipe, cut into lines, logged with a rate limit, and the end
// of it kept for the message that explains a death.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "host/journal.h"

namespace dcp::host {

/// A longer line is cut into several.
constexpr size_t kOutputLineMax = 4096;
/// What a message about a death quotes: the few lines that matter stand at the end.
constexpr size_t kOutputTailMax = 2048;
/// Lines a second and stream; a plugin that prints in a loop must not fill the operator's disk.
constexpr int kOutputLinesPerSecondMax = 100;

/// A line of a plugin's own log, by the ABI's level.
void LogPluginLine(const std::string& plugin, const std::string& instance, uint32_t level,
                   std::string_view line, Journal& journal);

class OutputPipe {
 public:
  explicit OutputPipe(std::string stream) : stream_(std::move(stream)) {}
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;
  ~OutputPipe();

  /// Makes the pipe; `child_fd` is the end for the child, the caller's to close.
  Status Open(std::string plugin, std::string instance, std::shared_ptr<Journal> journal,
              int& child_fd);
  int fd() const { return fd_; }  ///< readable end, -1 once it is at its end
  /// Takes what is there, without waiting.
  void Read();
  /// Logs an unfinished last line.
  void Flush();
  /// The end of what was printed, without secrets.
  const std::string& tail() const { return tail_; }

 private:
  void Take(std::string_view bytes);
  void Cut();
  void Remember(const std::string& text);
  void Emit();

  const std::string stream_;
  std::string plugin_;
  std::string instance_;
  std::shared_ptr<Journal> journal_;
  int fd_ = -1;
  std::string line_;
  std::string tail_;
  int64_t second_ = 0;
  int lines_ = 0;
  int64_t suppressed_ = 0;
};

}  // namespace dcp::host
