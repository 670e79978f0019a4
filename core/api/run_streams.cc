// SPDX-License-Identifier: Apache-2.0
//
// WatchRun and GetRunLogs.
#include <array>
#include <map>
#include <set>
#include <vector>

#include "api/event_stream.h"
#include "api/run_proto.h"
#include "base/mutex.h"
#include "base/redaction.h"
#include "dcp/v1/dcp.pb.h"
#include "os/job.h"
#include "os/untrusted_folder.h"

namespace dcp::api {
namespace {

/// Log files of a job: one for both outputs, as the Spark runner has it, or the launcher's two.
constexpr std::array<const char*, 3> kLogFiles = {"output", "stderr", "stdout"};
constexpr int kChunksARead = 16;  // at most 1 MiB of log in memory for each stream

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
    DCP_ASSIGN(const store::RunSummary run, RunOf(context_, *caller_, run_id_));
    DCP_ASSIGN(const auto events, context_.deps.runner->WaitEvents(run_id_, after_, 0));
    for (const graph::Event& event : events) Add(event, batch);
    batch->again = events.size() >= graph::kEventsMax;
    if (batch->again || !store::IsTerminal(run.state)) return {};
    v1::RunEvent last;
    last.set_sequence(after_);
    last.set_at_ms(run.finished_at);
    last.set_state(run.state);
    DCP_TRY(FillRun(*context_.deps.store, run_id_, last.mutable_run()));
    batch->messages.push_back(std::move(last));
    batch->end = true;
    return {};
  }

  int64_t PauseMs() const override {
    return after_ < kWatchManyEvents ? kWatchPauseMs : kWatchPauseOfManyMs;
  }

  Status Subscribe() {
    subscribed_ = true;
    const MutexLock lock(subscription_mutex_);
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
    const MutexLock lock(subscription_mutex_);
    closed_ = true;
    handle.swap(subscription_);
  }

  const std::string run_id_;
  int64_t after_;
  bool subscribed_ = false;
  std::map<std::string, std::string> progress_;
  Mutex subscription_mutex_;
  bool closed_ DCP_GUARDED_BY(subscription_mutex_) = false;
  std::shared_ptr<void> subscription_ DCP_GUARDED_BY(subscription_mutex_);
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
  /// A job of the run, as it was when this pass over them began.
  struct Job {
    std::string node;
    std::string directory;
    bool ended = false;
  };

  /// Jobs are looked through in passes. One that had ended before it was read to its end is not
  /// looked at again.
  Status Read(Batch* batch) override {
    if (!in_pass_) DCP_TRY(BeginPass());
    for (; next_ < jobs_.size(); ++next_) {
      DCP_TRY(ReadJob(jobs_[next_], batch));
      if (batch->messages.size() >= kChunksARead) break;
      if (jobs_[next_].ended) done_.insert(jobs_[next_].node);
    }
    if (total_ > kLogBytesMax) {
      return ResourceExhausted("the log is longer than " + std::to_string(kLogBytesMax) +
                               " bytes; the rest is in the job's folder under the daemon's state");
    }
    batch->again = next_ < jobs_.size();
    if (batch->again) return {};
    in_pass_ = false;
    if (last_) {
      batch->end = true;
    } else if (!context_.streams->PostAfter(kLogPollMs, Wake())) {
      return Unavailable("the daemon is stopping");
    }
    return {};
  }

  Status BeginPass() {
    // The run first: what its jobs wrote until it ended is then read in this pass.
    DCP_ASSIGN(const store::RunSummary run, RunOf(context_, *caller_, run_id_));
    DCP_ASSIGN(const auto nodes, context_.deps.store->GetNodeSummaries(run_id_));
    const bool run_ended = store::IsTerminal(run.state);
    last_ = !follow_ || run_ended;
    in_pass_ = true;
    next_ = 0;
    jobs_.clear();
    bool known = node_id_.empty();
    for (const store::NodeSummary& node : nodes) {
      known = known || node.id == node_id_;
      if (!node_id_.empty() && node.id != node_id_) continue;
      if (node.capability != "run_backend" && node.job_json.empty()) continue;
      if (done_.contains(node.id)) continue;
      auto directory = context_.deps.runner->JobDirectory(run_id_, node.id);
      if (directory.status().code() == Code::kNotFound) continue;
      DCP_TRY(directory.status());
      jobs_.push_back({node.id, std::move(*directory), run_ended || store::IsTerminal(node.state)});
    }
    if (known) return {};
    return NotFound("run " + run_id_ + " has no node \"" + node_id_.substr(0, 80) + "\"")
        .WithId("PZ0904")
        .WithHint("pretzel run get " + run_id_ + " lists its nodes");
  }

  Status ReadJob(const Job& job, Batch* batch) {
    // The job can write there, and may have put anything in a log's place.
    const auto folder = os::UntrustedFolder::Open(job.directory, os::kJobWorkLevels);
    if (folder.status().code() == Code::kNotFound) return {};
    DCP_TRY(folder.status());
    for (const std::string stream : kLogFiles) {
      while (batch->messages.size() < kChunksARead) {
        DCP_ASSIGN(const bool more, ReadChunk(*folder, job, stream, batch));
        if (!more) break;
      }
    }
    return {};
  }

  /// False: nothing more is there now. What may be the beginning of a secret waits for what comes
  /// next; after the job's end nothing does.
  Result<bool> ReadChunk(const os::UntrustedFolder& folder, const Job& job,
                         const std::string& stream, Batch* batch) {
    int64_t& offset = offsets_[job.node + "/" + stream];
    auto data = folder.ReadRange(stream, offset, kLogChunkBytes);
    if (!data.ok() && data.status().code() == Code::kNotFound) return false;
    DCP_TRY(data.status());
    const bool last = last_ || job.ended;
    if (!last || data->size() == kLogChunkBytes) data->resize(RedactableEnd(*data));
    if (data->empty()) return false;
    offset += static_cast<int64_t>(data->size());
    total_ += static_cast<int64_t>(data->size());
    v1::LogChunk chunk;
    chunk.set_node_id(job.node);
    chunk.set_stream(stream);
    chunk.set_data(Redact(std::move(*data)));
    batch->messages.push_back(std::move(chunk));
    return true;
  }

  const std::string run_id_;
  const std::string node_id_;
  const bool follow_;
  bool in_pass_ = false;
  bool last_ = false;  ///< nothing follows what this pass finds
  std::vector<Job> jobs_;
  size_t next_ = 0;
  std::set<std::string> done_;
  std::map<std::string, int64_t> offsets_;
  int64_t total_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::RunEvent>* MakeWatchRun(ServiceContext& context,
                                                     const grpc::ServerContextBase& call,
                                                     const v1::WatchRunRequest& request) {
  return EventStream<v1::RunEvent>::Open(
      std::make_shared<WatchStream>(context, PrincipalOf(context, call), request));
}

grpc::ServerWriteReactor<v1::LogChunk>* MakeGetRunLogs(ServiceContext& context,
                                                       const grpc::ServerContextBase& call,
                                                       const v1::GetRunLogsRequest& request) {
  return EventStream<v1::LogChunk>::Open(
      std::make_shared<LogStream>(context, PrincipalOf(context, call), request));
}

}  // namespace dcp::api
