// SPDX-License-Identifier: Apache-2.0
//
// The life of an instance in this process. One thread watches over it; the plugin's functions run
// on the runtime's threads, never on that one and never on a caller's.
#include "host/in_process.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "host/frame.h"
#include "host/in_process_files.h"
#include "host/output.h"

namespace dcp::host {
namespace {

/// Ids of the host's own requests; those of calls begin above.
constexpr uint64_t kLoadId = 0;
constexpr uint64_t kValidateId = 1;
constexpr uint64_t kCreateId = 2;
constexpr uint64_t kDestroyId = 3;
/// How often hung calls are looked for.
constexpr int64_t kTickMs = 500;

/// Runtimes whose plugin did not end: its threads may still use them.
void KeepForGood(std::shared_ptr<PluginRuntime> runtime) {
  static auto* mutex = new Mutex;
  static auto* kept = new std::vector<std::shared_ptr<PluginRuntime>>;
  const MutexLock lock(*mutex);
  kept->push_back(std::move(runtime));
}

}  // namespace

/// What the plugin says, straight to the calls. Outlives the instance when the plugin does.
class InProcess::Sink : public PluginSink {
 public:
  explicit Sink(const HomeOptions& options, const std::string& who)
      : calls(who, options.cancel_grace_ms),
        plugin_(options.plugin),
        instance_(options.instance),
        journal_(options.journal) {}

  dcp_code Event(uint64_t id, dcp_event kind, std::string_view body) override {
    (void)calls.Event(id, kind, std::string(body));  // there is room: emit() waited for it
    return DCP_OK;
  }
  void Complete(uint64_t id, dcp_code code, Origin origin, std::string_view body) override {
    Reply reply{CodeFromInt(code), origin == Origin::kPlugin, std::string(body), {}};
    if (id > kDestroyId) return calls.Complete(id, std::move(reply));
    Answered(id, std::move(reply));
  }
  void Log(dcp_level level, std::string_view text) override {
    LogPluginLine(plugin_, instance_, static_cast<uint32_t>(level), text, *journal_);
  }

  void Answered(uint64_t id, Reply reply) {
    const MutexLock lock(mutex);
    answers[id] = std::move(reply);
    changed.notify_all();
  }
  Result<const dcp_plugin_api*> Table() {
    const MutexLock lock(mutex);
    return table;
  }

  Calls calls;
  Mutex mutex;
  CondVar changed;
  std::map<uint64_t, Reply> answers DCP_GUARDED_BY(mutex);  ///< to the host's own requests
  Result<const dcp_plugin_api*> table DCP_GUARDED_BY(mutex) = Internal("the plugin was not loaded");
  bool stopping DCP_GUARDED_BY(mutex) = false;

 private:
  const std::string plugin_;
  const std::string instance_;
  const std::shared_ptr<Journal> journal_;
};

/// A caller's side of its call.
class InProcess::Line : public CallLine {
 public:
  Line(PluginRuntime& runtime, uint64_t id) : runtime_(runtime), id_(id) {}
  void Cancel() override { runtime_.Cancel(id_); }
  void Give(uint64_t cost) override { runtime_.Give(id_, cost); }

 private:
  PluginRuntime& runtime_;
  const uint64_t id_;
};

InProcess::InProcess(HomeOptions options, std::function<void()> changed)
    : options_(std::move(options)),
      changed_(std::move(changed)),
      who_("plugin " + options_.plugin + " (instance " + options_.instance + ")"),
      sink_(std::make_shared<Sink>(options_, who_)) {}

InProcess::~InProcess() { Stop(); }

std::shared_ptr<InProcess> InProcess::Start(HomeOptions options, std::function<void()> changed) {
  std::shared_ptr<InProcess> made(new InProcess(std::move(options), std::move(changed)));
  made->thread_ = std::thread([self = made.get()] { self->Run(); });
  return made;
}

PluginHome::Phase InProcess::phase() const {
  const MutexLock lock(mutex_);
  return phase_;
}

Status InProcess::ending(bool& permanent) const {
  const MutexLock lock(mutex_);
  permanent = permanent_;
  return ending_;
}

void InProcess::SetPermanent(bool permanent) {
  const MutexLock lock(mutex_);
  permanent_ = permanent;
}

void InProcess::Run() {
  Status why = Prepare();
  if (why.ok()) {
    {
      const MutexLock lock(mutex_);
      phase_ = Phase::kReady;
    }
    sink_->calls.Admit();
    changed_();
    why = Serve();
  }
  Finish(why);
  changed_();
}

/// Waits for the answer to one of the host's own requests, within the time of the start.
Status InProcess::Ask(uint64_t id, const std::string& what) {
  MutexLock lock(sink_->mutex);
  const bool answered = sink_->changed.wait_for(
      lock, std::chrono::milliseconds(options_.start_timeout_ms),
      [&]() DCP_REQUIRES(sink_->mutex) { return sink_->answers.count(id) > 0 || sink_->stopping; });
  if (sink_->stopping) return Unavailable(who_ + " is being stopped");
  if (!answered) {
    // Its thread cannot be ended, and each further try would cost another.
    SetPermanent(true);
    return FailedPrecondition(who_ + " was not ready after " +
                              std::to_string(options_.start_timeout_ms) + " ms in " + what)
        .WithHint("use isolation: worker, which can be ended and started again");
  }
  const Reply& reply = sink_->answers[id];
  if (reply.code == Code::kOk) return Status::Ok();
  const bool validate = id == kValidateId;
  SetPermanent(validate || !IsTransient(reply.code));
  return Status(
      reply.code,
      who_ + (validate ? " refuses its configuration: " : " could not be created: ") + reply.body);
}

Status InProcess::Prepare() {
  loader_.Post([sink = sink_, path = options_.plugin_path, source = options_.plugin_source,
                sha256 = options_.plugin_sha256] {
    Result<const dcp_plugin_api*> table = LoadInProcess(path, source, sha256);
    {
      const MutexLock lock(sink->mutex);
      sink->table = std::move(table);
    }
    sink->Answered(kLoadId, {});
  });
  DCP_TRY(Ask(kLoadId, "its constructors"));
  const Result<const dcp_plugin_api*> table = sink_->Table();
  if (!table.ok()) {
    SetPermanent(true);  // it lies in the file
    return table.status();
  }
  parallel_ = ((*table)->flags & DCP_FLAG_PARALLEL) != 0;
  runtime_ = std::make_shared<PluginRuntime>(*table, sink_);
  runtime_->Validate(kValidateId, options_.config_json.Reveal());
  DCP_TRY(Ask(kValidateId, "validate()"));
  runtime_->Create(kCreateId, options_.config_json.Reveal());
  return Ask(kCreateId, "create()");
}

/// Until it is stopped (OK), or hangs. A call that was given up and goes on holds a thread of the
/// plugin: with one thread, or when nothing else runs, or when several are held, it serves nobody.
Status InProcess::Serve() {
  MutexLock lock(mutex_);
  while (!stop_.wait_for(lock, std::chrono::milliseconds(kTickMs),
                         [this]() DCP_REQUIRES(mutex_) { return stopping_; })) {
    lock.unlock();
    std::string method;
    const size_t hung = sink_->calls.Hung(SystemClock().Steady(), options_.hang_grace_ms, method);
    lock.lock();
    if (hung == 0 || (parallel_ && hung < sink_->calls.open() && hung < kAbandonedCallsMax)) {
      continue;
    }
    permanent_ = true;
    return FailedPrecondition(who_ + " was given up: the call of " + method +
                              " did not end although it was asked to")
        .WithHint("reload to have a new instance made beside it, or use isolation: worker");
  }
  return Status::Ok();
}

void InProcess::Finish(const Status& why) {
  const Status reason = why.ok() ? Unavailable(who_ + " was stopped") : why;
  sink_->calls.Refuse(reason);
  // Calls that are about to end may; those of a plugin that hangs will not.
  bool destroyed = runtime_ == nullptr || (why.ok() && Destroy());
  {
    const MutexLock lock(mutex_);
    phase_ = Phase::kEnded;
    ending_ = reason;
  }
  // Before they are cancelled: nobody who waits for one has asked for that.
  sink_->calls.End(reason, reason.message(), "");
  if (!destroyed) {
    runtime_->CancelAll();
    destroyed = Destroy();
  }
  if (!destroyed) KeepForGood(runtime_);
}

bool InProcess::Destroy() {
  MutexLock lock(sink_->mutex);
  sink_->answers.erase(kDestroyId);
  lock.unlock();
  runtime_->Destroy(kDestroyId);
  lock.lock();
  return sink_->changed.wait_for(
             lock, std::chrono::milliseconds(kStopGraceMs),
             [&]() DCP_REQUIRES(sink_->mutex) { return sink_->answers.count(kDestroyId) > 0; }) &&
         sink_->answers[kDestroyId].code == Code::kOk;
}

Result<Reply> InProcess::Call(const std::string& method, const std::string& request,
                              const CallOptions& options, bool& sent) {
  sent = false;
  DCP_TRY(CheckRequestSize(method, request));
  uint64_t id = 0;
  Status refused;
  const auto slot = sink_->calls.Open(method, options, id, refused);
  if (!slot) return refused;
  sent = true;
  runtime_->Invoke(id, InvokeBody(method, request, options));
  Line line(*runtime_, id);
  return sink_->calls.Await(slot, options, line);
}

void InProcess::Stop() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    stop_.notify_all();
  }
  {
    const MutexLock lock(sink_->mutex);
    sink_->stopping = true;
    sink_->changed.notify_all();
  }
  thread_.join();
}

}  // namespace dcp::host
