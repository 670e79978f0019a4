// SPDX-License-Identifier: Apache-2.0
#include "host/journal.h"

#include <algorithm>

#include "base/redaction.h"

namespace dcp::host {
namespace {

size_t SizeOf(const JournalLine& line) {
  return sizeof(line) + line.source.size() + line.text.size();
}

}  // namespace

void Journal::Add(log::Level level, std::string_view source, std::string_view text) {
  JournalLine line{SystemClock().Wall(), level, std::string(source),
                   log::OneLine(Redact(std::string(text)), kJournalLineBytesMax)};
  const MutexLock lock(mutex_);
  bytes_ += SizeOf(line);
  lines_.push_back(std::move(line));
  while (lines_.size() > kJournalLinesMax || bytes_ > kJournalBytesMax) {
    bytes_ -= SizeOf(lines_.front());
    lines_.pop_front();
    ++first_;
  }
}

Journal::Page Journal::Read(int64_t from, size_t max) const {
  const MutexLock lock(mutex_);
  const int64_t end = first_ + static_cast<int64_t>(lines_.size());
  Page page;
  page.missed = std::max<int64_t>(0, first_ - from);
  page.next = std::clamp(from, first_, end);
  while (page.next < end && page.lines.size() < max) {
    page.lines.push_back(lines_[static_cast<size_t>(page.next - first_)]);
    ++page.next;
  }
  return page;
}

int64_t Journal::Tail(size_t lines) const {
  const MutexLock lock(mutex_);
  const size_t wanted = lines == 0 ? lines_.size() : std::min(lines, lines_.size());
  return first_ + static_cast<int64_t>(lines_.size() - wanted);
}

}  // namespace dcp::host
