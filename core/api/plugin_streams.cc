// SPDX-License-Identifier: Apache-2.0
//
// GetPluginLogs.
#include <algorithm>
#include <limits>

#include "api/event_stream.h"
#include "dcp/v1/plugins.pb.h"
#include "host/journal.h"

namespace dcp::api {
namespace {

constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();

const char* LevelText(log::Level level) {
  switch (level) {
    case log::Level::kTrace:
      return "trace";
    case log::Level::kDebug:
      return "debug";
    case log::Level::kInfo:
      return "info";
    case log::Level::kWarning:
      return "warning";
    case log::Level::kError:
      break;
  }
  return "error";
}

class PluginLogStream final : public EventStream<v1::PluginLogChunk> {
 public:
  PluginLogStream(ServiceContext& context, Result<playground::Principal> caller,
                  const v1::GetPluginLogsRequest& request)
      : EventStream(context, std::move(caller)),
        instance_(request.instance()),
        tail_(request.tail()),
        follow_(request.follow()) {}

 private:
  Status Read(Batch* batch) override {
    // Before the last look: what was written until the drain began is still told.
    const bool draining = context_.draining;
    if (!begun_) DCP_TRY(Begin());
    // The instance may have left the configuration, or its journal may be another's by now.
    DCP_ASSIGN(const auto journal, context_.deps.host->JournalOf(instance_));
    if (journal != journal_) {
      journal_ = journal;
      next_ = 0;
    }
    const int64_t wanted = std::min<int64_t>(kPluginLogLinesMax, end_ - next_);
    host::Journal::Page page =
        journal_->Read(next_, static_cast<size_t>(std::max<int64_t>(0, wanted)));
    next_ = page.next;
    v1::PluginLogChunk chunk;
    if (page.missed > 0) AddMissed(page, &chunk);
    for (host::JournalLine& line : page.lines) Add(std::move(line), &chunk);
    if (chunk.lines_size() > 0) {
      batch->messages.push_back(std::move(chunk));
      batch->again = true;
    } else if (!follow_) {
      batch->end = true;
    } else if (draining || !context_.streams->PostAfter(kLogPollMs, Wake())) {
      return Unavailable("the daemon is stopping")
          .WithId("PZ0908")
          .WithHint("try again in a moment: what plugins wrote until then is gone");
    }
    return {};
  }

  Status Begin() {
    DCP_TRY(CheckOperator(*caller_, "read the log of plugin instance " + instance_.substr(0, 80)));
    if (context_.deps.host == nullptr) return Unavailable("this daemon hosts no plugins");
    if (tail_ < 0) return InvalidArgument("tail is negative").WithId("PZ0903");
    DCP_ASSIGN(journal_, context_.deps.host->JournalOf(instance_));
    next_ = journal_->Tail(static_cast<size_t>(tail_));
    // Without `follow`, what is there now: a plugin that never stops writing is no reason to go on.
    if (!follow_) end_ = journal_->Read(kEndless, 0).next;
    begun_ = true;
    return {};
  }

  static void AddMissed(const host::Journal::Page& page, v1::PluginLogChunk* chunk) {
    host::JournalLine line;
    line.at = page.lines.empty() ? SystemClock().Wall() : page.lines.front().at;
    line.level = log::Level::kWarning;
    line.source = host::kSourceHost;
    line.text = std::to_string(page.missed) + " lines came faster than they were read and are gone";
    Add(std::move(line), chunk);
  }

  static void Add(host::JournalLine line, v1::PluginLogChunk* chunk) {
    v1::PluginLogLine* out = chunk->add_lines();
    out->set_time(FormatTime(line.at));
    out->set_level(LevelText(line.level));
    out->set_source(std::move(line.source));
    out->set_text(std::move(line.text));
  }

  const std::string instance_;
  const int32_t tail_;
  const bool follow_;
  bool begun_ = false;
  std::shared_ptr<host::Journal> journal_;
  int64_t next_ = 0;
  int64_t end_ = kEndless;
};

}  // namespace

grpc::ServerWriteReactor<v1::PluginLogChunk>* MakeGetPluginLogs(
    ServiceContext& context, const grpc::ServerContextBase& call,
    const v1::GetPluginLogsRequest& request) {
  return EventStream<v1::PluginLogChunk>::Open(
      std::make_shared<PluginLogStream>(context, PrincipalOf(context, call), request));
}

}  // namespace dcp::api
