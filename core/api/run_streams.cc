// SPDX-License-Identifier: Apache-2.0
//
// WatchRun and GetRunLogs: callback streams, so a hundred watchers cost no thread. Reactions only
// move messages; reads of the store and of files happen on the executor, one at a time a stream,
// and only when the client has taken what was read before: that is the back-pressure.
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <array>
#include <deque>
#include <map>
#include <mutex>

#include "api/run_proto.h"
#include "api/service.h"
#include "api/status_to_grpc.h"
#include "dcp/v1/dcp.pb.h"
#include "os/file.h"

namespace dcp::api {
namespace {

/// Log files of a job: one for both outputs, as the Spark runner has it, or the launcher's two.
constexpr std::array<const char*, 3> kLogFiles = {"output", "stderr", "stdout"};
constexpr int kChunksARead = 16;  // at most 1 MiB of log in memory for each stream

/// One open stream. It holds itself from Open() to OnDone(); executor tasks and subscriptions hold
/// it too, so a late wake-up meets a living object that has nothing more to do.
template <class Message>
class EventStream : public grpc::ServerWriteReactor<Message>,
                    public std::enable_shared_from_this<EventStream<Message>> {
 public:
  EventStream(ServiceContext& context, Result<playground::Principal> caller)
      : context_(context), caller_(std::move(caller)) {}

  /// Call once, with the only reference.
  static EventStream* Open(std::shared_ptr<EventStream> stream) {
    EventStream* raw = stream.get();
    raw->self_ = std::move(stream);
    const int open = raw->context_.open_streams.fetch_add(1);
    if (!raw->caller_.ok()) {
      raw->End(raw->caller_.status());
    } else if (open >= kStreamsMax) {
      raw->End(ResourceExhausted("more than " + std::to_string(kStreamsMax) + " streams are open")
                   .WithHint("close some, or ask again with run get"));
    } else {
      raw->Schedule();
    }
    return raw;
  }

  void OnWriteDone(bool ok) final {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    pending_.pop_front();
    if (!ok || cancelled_) return FinishLocked(Cancelled("the client has gone"));
    AdvanceLocked();
  }
  void OnCancel() final {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!writing_) FinishLocked(Cancelled("the call was cancelled"));
  }
  void OnDone() final {
    Close();
    context_.open_streams.fetch_sub(1);
    const auto last = std::move(self_);
  }

 protected:
  /// Something may be there to read. [any]
  void Schedule() {
    const std::lock_guard lock(mutex_);
    dirty_ = true;
    AdvanceLocked();
  }
  std::function<void()> Wake() {
    return [weak = this->weak_from_this()] {
      if (const auto stream = weak.lock()) stream->Schedule();
    };
  }

  struct Batch {
    std::deque<Message> messages;
    bool end = false;    ///< nothing follows
    bool again = false;  ///< read on as soon as these are written
  };
  /// Reads what is new. On the executor; may block.
  virtual Status Read(Batch* batch) = 0;
  /// The stream is over; lets subscriptions go.
  virtual void Close() {}

  ServiceContext& context_;
  const Result<playground::Principal> caller_;

 private:
  void End(const Status& status) {
    const std::lock_guard lock(mutex_);
    FinishLocked(status);
  }
  void FinishLocked(const Status& status) {
    if (finished_) return;
    finished_ = true;
    this->Finish(Answer(status, "stream"));
  }
  void AdvanceLocked() {
    if (finished_ || writing_ || reading_) return;
    if (!pending_.empty()) {
      writing_ = true;
      this->StartWrite(&pending_.front());
    } else if (ended_) {
      FinishLocked(end_status_);
    } else if (dirty_) {
      dirty_ = false;
      reading_ = true;
      const auto self = this->shared_from_this();
      if (!context_.streams->Post([self] { self->Pump(); })) {
        FinishLocked(Unavailable("the daemon is stopping"));
      }
    }
  }
  void Pump() {
    Batch batch;
    const Status status = Read(&batch);
    const std::lock_guard lock(mutex_);
    reading_ = false;
    pending_ = std::move(batch.messages);
    ended_ = batch.end || !status.ok();
    end_status_ = status;
    dirty_ = dirty_ || batch.again;
    AdvanceLocked();
  }

  std::mutex mutex_;
  std::deque<Message> pending_;
  bool dirty_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  Status end_status_;
  std::shared_ptr<EventStream> self_;
};

class WatchStream final : public EventStream<v1::RunEvent> {
 public:
  WatchStream(ServiceContext& context, Result<playground::Principal> caller,
              const v1::WatchRunRequest& request)
      : EventStream(context, std::move(caller)),
        run_id_(request.id()),
        after_(request.after_sequence()) {}

 private:
  Status Read(Batch* batch) override {
    if (!subscribed_) {
      DCP_TRY(RunOf(context_, *caller_, run_id_).status());
      DCP_TRY(Subscribe());
    }
    // The run first: what it did until it ended is then among the events.
    DCP_ASSIGN(const store::Run run, RunOf(context_, *caller_, run_id_));
    DCP_ASSIGN(const auto events, context_.deps.runner->WaitEvents(run_id_, after_, 0));
    for (const graph::Event& event : events) Add(event, batch);
    if (!store::IsTerminal(run.state)) return {};
    DCP_ASSIGN(const auto nodes, context_.deps.store->GetNodes(run_id_));
    v1::RunEvent last;
    last.set_sequence(after_);
    last.set_at_ms(run.finished_at);
    last.set_state(run.state);
    FillRun(run, nodes, last.mutable_run());
    batch->messages.push_back(std::move(last));
    batch->end = true;
    return {};
  }

  Status Subscribe() {
    subscribed_ = true;
    const std::lock_guard lock(subscription_mutex_);
    if (closed_) return Cancelled("the client has gone");
    subscription_ = context_.deps.runner->Subscribe(run_id_, Wake());
    if (subscription_ != nullptr) return {};
    return ResourceExhausted("too many runs are being watched")
        .WithHint("pretzel run get " + run_id_ + " shows where it stands");
  }

  void Add(const graph::Event& event, Batch* batch) {
    if (event.state.empty()) {  // progress is only told when it is news
      std::string& told = progress_[event.node_id];
      if (told == event.detail) return;
      told = event.detail;
    }
    after_ = std::max(after_, event.sequence);
    v1::RunEvent message;
    message.set_sequence(event.sequence);
    message.set_at_ms(event.at);
    message.set_node_id(event.node_id);
    message.set_title(event.title);
    message.set_state(event.state);
    message.set_detail(event.detail);
    batch->messages.push_back(std::move(message));
  }

  /// Here and not in the destructor: dropping the handle waits for a notification that is under
  /// way, and that notification may hold the last reference to this stream.
  void Close() override {
    std::shared_ptr<void> handle;  // dropped after the lock is
    const std::lock_guard lock(subscription_mutex_);
    closed_ = true;
    handle.swap(subscription_);
  }

  const std::string run_id_;
  int64_t after_;
  bool subscribed_ = false;
  std::map<std::string, std::string> progress_;
  std::mutex subscription_mutex_;
  bool closed_ = false;
  std::shared_ptr<void> subscription_;
};

class LogStream final : public EventStream<v1::LogChunk> {
 public:
  LogStream(ServiceContext& context, Result<playground::Principal> caller,
            const v1::GetRunLogsRequest& request)
      : EventStream(context, std::move(caller)),
        run_id_(request.id()),
        node_id_(request.node_id()),
        follow_(request.follow()) {}

 private:
  Status Read(Batch* batch) override {
    DCP_ASSIGN(const store::Run run, RunOf(context_, *caller_, run_id_));
    DCP_ASSIGN(const auto nodes, context_.deps.store->GetNodes(run_id_));
    bool known = node_id_.empty();
    for (const store::Node& node : nodes) {
      if (!node_id_.empty() && node.id != node_id_) continue;
      known = true;
      DCP_TRY(ReadNode(node, batch));
    }
    if (!known) {
      return NotFound("run " + run_id_ + " has no node \"" + node_id_.substr(0, 80) + "\"")
          .WithId("PZ0904")
          .WithHint("pretzel run get " + run_id_ + " lists its nodes");
    }
    if (total_ > kLogBytesMax) {
      return ResourceExhausted("the log is longer than " + std::to_string(kLogBytesMax) +
                               " bytes; the rest is in the job's folder under the daemon's state");
    }
    batch->again = !batch->messages.empty();
    if (batch->again) return {};
    if (!follow_ || store::IsTerminal(run.state)) {
      batch->end = true;
    } else if (!context_.streams->PostAfter(kLogPollMs, Wake())) {
      return Unavailable("the daemon is stopping");
    }
    return {};
  }

  Status ReadNode(const store::Node& node, Batch* batch) {
    const auto directory = context_.deps.runner->JobDirectory(run_id_, node.id);
    if (!directory.ok()) {
      return directory.status().code() == Code::kNotFound ? Status() : directory.status();
    }
    for (const std::string stream : kLogFiles) {
      int64_t& offset = offsets_[node.id + "/" + stream];
      while (batch->messages.size() < kChunksARead) {
        auto data = os::ReadFileRange(*directory + "/" + stream, offset, kLogChunkBytes);
        if (!data.ok() && data.status().code() == Code::kNotFound) break;
        if (!data.ok()) return data.status();
        if (data->empty()) break;
        offset += static_cast<int64_t>(data->size());
        total_ += static_cast<int64_t>(data->size());
        v1::LogChunk chunk;
        chunk.set_node_id(node.id);
        chunk.set_stream(stream);
        chunk.set_data(std::move(*data));
        batch->messages.push_back(std::move(chunk));
      }
    }
    return {};
  }

  const std::string run_id_;
  const std::string node_id_;
  const bool follow_;
  std::map<std::string, int64_t> offsets_;
  int64_t total_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::RunEvent>* MakeWatchRun(ServiceContext& context,
                                                     const grpc::ServerContextBase& call,
                                                     const v1::WatchRunRequest& request) {
  return EventStream<v1::RunEvent>::Open(
      std::make_shared<WatchStream>(context, CallerOf(context, call), request));
}

grpc::ServerWriteReactor<v1::LogChunk>* MakeGetRunLogs(ServiceContext& context,
                                                       const grpc::ServerContextBase& call,
                                                       const v1::GetRunLogsRequest& request) {
  return EventStream<v1::LogChunk>::Open(
      std::make_shared<LogStream>(context, CallerOf(context, call), request));
}

}  // namespace dcp::api
