// SPDX-License-Identifier: Apache-2.0
//
// Starting, restarting, and giving up.
#include "host/instance.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "log/log.h"

namespace dcp::host {

int64_t BackOffMs(int deaths) {
  int64_t wait = kBackOffFirstMs;
  for (int i = 1; i < deaths && wait < kBackOffMaxMs; ++i) wait *= 2;
  return std::min(wait, kBackOffMaxMs);
}

Instance::Instance(const Settings& settings, const InstanceSettings& own,
                   const Registry::Plugin* plugin, Status missing, std::function<void()> wake)
    : own_(own),
      plugin_(plugin),
      wake_(std::move(wake)),
      start_timeout_ms_(settings.start_timeout_ms) {
  if (plugin_ == nullptr) {
    phase_ = Phase::kFailed;
    settled_ = true;
    reason_ = Status(Code::kFailedPrecondition, missing.message()).WithHint(missing.hint());
    log::Write(log::Id::kPluginFailed,
               {{"plugin", own_.plugin}, {"instance", own_.id}, {"error", reason_.ToString()}});
    return;
  }
  options_.program = settings.worker_program;
  options_.plugin_path = plugin_->path;
  options_.plugin = own_.plugin;
  options_.instance = own_.id;
  options_.config_json = own_.config_json;
  options_.env = own_.env;
  options_.start_timeout_ms = settings.start_timeout_ms;
  options_.ping_timeout_ms = settings.ping_timeout_ms;
  options_.cancel_grace_ms = settings.cancel_grace_ms;
  options_.hang_grace_ms = settings.hang_grace_ms;
}

std::string Instance::Who() const {
  return "plugin " + own_.plugin + " (instance " + own_.id + ")";
}

SteadyMillis Instance::Supervise(SteadyMillis now) {
  std::shared_ptr<WorkerProcess> old;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kDue) return kNever;
    if (now < due_) return due_;
    phase_ = Phase::kStarting;
    ++starts_;
    old = std::move(worker_);
  }
  old.reset();  // its process has ended; this joins its thread
  Result<std::shared_ptr<WorkerProcess>> made =
      WorkerProcess::Spawn(options_, [this] { OnChanged(); });
  const std::lock_guard lock(mutex_);
  if (!made.ok()) {
    // NOT_FOUND is kept for routes; a program that is missing is a set-up to mend.
    const bool transient = IsTransient(made.status().code());
    Died(
        Status(transient ? Code::kUnavailable : Code::kFailedPrecondition, made.status().message()),
        !transient);
    return phase_ == Phase::kDue ? due_ : kNever;
  }
  worker_ = std::move(made).value();
  changed_.notify_all();
  return kNever;
}

/// On a thread of the worker, which may come before Supervise() has stored it.
void Instance::OnChanged() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return worker_ != nullptr || phase_ == Phase::kStopped; });
    if (phase_ != Phase::kStarting && phase_ != Phase::kReady) return;
    if (worker_->phase() == WorkerProcess::Phase::kReady) {
      phase_ = Phase::kReady;
      settled_ = true;
      log::Write(log::Id::kPluginReady,
                 {{"plugin", own_.plugin}, {"instance", own_.id}, {"pid", worker_->pid()}});
    } else {
      bool permanent = false;
      const Status reason = worker_->ending(permanent);
      Died(reason, permanent);
    }
    changed_.notify_all();
  }
  wake_();
}

/// Under mutex_.
void Instance::Died(const Status& reason, bool permanent) {
  settled_ = true;
  reason_ = reason;
  ++deaths_;
  const bool give_up = permanent || deaths_ >= kDeathsMax;
  if (give_up && reason_.hint().empty()) {
    reason_ = std::move(reason_).WithHint("`pretzel service restart " + own_.id +
                                          "` starts it again once the reason is mended");
  }
  phase_ = give_up ? Phase::kFailed : Phase::kDue;
  due_ = SystemClock().Steady() + BackOffMs(deaths_);
  log::Write(give_up ? log::Id::kPluginFailed : log::Id::kPluginDied,
             {{"plugin", own_.plugin}, {"instance", own_.id}, {"error", reason.ToString()}});
  changed_.notify_all();
}

void Instance::WaitSettled() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return settled_ || phase_ == Phase::kStopped; });
}

Result<std::shared_ptr<WorkerProcess>> Instance::WaitWorker(const WorkerProcess* dead,
                                                            const CallOptions& options) {
  const SteadyMillis begin = SystemClock().Steady();
  const SteadyMillis patience = begin + start_timeout_ms_;
  const bool own_deadline = options.deadline != 0 && options.deadline < patience;
  const SteadyMillis until = own_deadline ? options.deadline : patience;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (phase_ == Phase::kFailed) return reason_;
    if (phase_ == Phase::kStopped) return Unavailable(Who() + " is being stopped");
    if (phase_ == Phase::kReady && worker_.get() != dead) return worker_;
    const SteadyMillis now = SystemClock().Steady();
    if (now >= until) {
      const std::string text = Who() + " was not ready in time";
      const std::string why = reason_.ok() ? "" : "; " + reason_.message();
      return own_deadline ? DeadlineExceeded(text + why) : Unavailable(text + why);
    }
    if (options.cancelled) {
      lock.unlock();
      const bool stop = options.cancelled();
      lock.lock();
      if (stop) return Cancelled("the call of " + Who() + " was cancelled before it began");
    }
    const SteadyMillis slice = options.cancelled ? kCancelPollMs : until - now + 1;
    changed_.wait_for(lock, std::chrono::milliseconds(slice));
  }
}

Result<Reply> Instance::Call(const std::string& method, const std::string& request,
                             const CallOptions& options) {
  std::shared_ptr<WorkerProcess> worker;
  for (;;) {
    // A worker that died before it got the call is waited out: nothing was lost with it.
    DCP_ASSIGN(worker, WaitWorker(worker.get(), options));
    bool sent = false;
    Result<Reply> reply = worker->Call(method, request, options, sent);
    if (!sent && reply.status().code() == Code::kUnavailable) continue;
    if (reply.ok() && reply->from_plugin) {
      const std::lock_guard lock(mutex_);
      deaths_ = 0;
    }
    return reply;
  }
}

InstanceState Instance::State() const {
  InstanceState state;
  state.id = own_.id;
  state.plugin = own_.plugin;
  state.isolation = own_.isolation;
  if (plugin_ != nullptr) {
    state.version = plugin_->manifest.version;
    for (const Capability& c : plugin_->manifest.capabilities) state.capabilities.push_back(c.name);
  }
  const std::lock_guard lock(mutex_);
  state.state = phase_ == Phase::kReady                                 ? "READY"
                : phase_ == Phase::kFailed || phase_ == Phase::kStopped ? "FAILED"
                                                                        : "RESTARTING";
  if (phase_ != Phase::kReady && !reason_.ok()) state.detail = reason_.ToString();
  state.restarts = std::max(0, starts_ - 1);
  if (phase_ == Phase::kReady) state.pid = worker_->pid();
  return state;
}

Status Instance::Restart() {
  std::shared_ptr<WorkerProcess> worker;
  {
    const std::lock_guard lock(mutex_);
    if (plugin_ == nullptr) {
      return FailedPrecondition(Who() + " cannot be restarted: " + reason_.message())
          .WithHint("plugins are looked for when the daemon starts: mend it, then restart dcpd");
    }
    if (phase_ == Phase::kStopped) return Unavailable("the plugin host is stopping");
    deaths_ = 0;
    due_ = 0;
    if (phase_ == Phase::kFailed) phase_ = Phase::kDue;
    if (phase_ == Phase::kReady) worker = worker_;
    changed_.notify_all();
  }
  if (worker) worker->Kill("a restart was asked for");  // its end makes the next one due
  return {};
}

void Instance::Stop() {
  std::shared_ptr<WorkerProcess> worker;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kStopped;
    worker = std::move(worker_);
    changed_.notify_all();
  }
  if (worker) worker->Stop();
}

}  // namespace dcp::host
