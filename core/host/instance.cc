// SPDX-License-Identifier: Apache-2.0
//
// Starting, restarting, and giving up.
#include "host/instance.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "base/clock.h"
#include "base/redaction.h"
#include "host/calls.h"
#include "host/in_process.h"
#include "host/worker_process.h"
#include "log/log.h"

namespace dcp::host {
namespace {

/// A wait is looked at anew after so long: a clock takes no time as far away as kNever.
constexpr int64_t kWaitSliceMs = 60'000;

}  // namespace

int64_t BackOffMs(int deaths) {
  int64_t wait = kBackOffFirstMs;
  for (int i = 1; i < deaths && wait < kBackOffMaxMs; ++i) wait *= 2;
  return std::min(wait, kBackOffMaxMs);
}

InstancePlan PlanOf(const Settings& settings, const InstanceSettings& own,
                    const Result<StoredPlugin>& file) {
  InstancePlan plan;
  plan.own = own;
  plan.options.sandbox = own.sandbox;
  if (file.ok()) {
    plan.plugin = *file;
    plan.options.plugin_path = file->path;
    plan.options.plugin_source = file->source;
    plan.options.plugin_sha256 = file->sha256;
    // What a plugin brings along stands beside the file that it came as.
    if (!file->installed) {
      plan.options.sandbox.read.push_back(
          std::filesystem::weakly_canonical(std::filesystem::path(file->source).parent_path()));
    }
  } else {
    plan.missing = file.status();
  }
  plan.options.program = settings.worker_program;
  plan.options.plugin = own.plugin;
  plan.options.instance = own.id;
  plan.secrets = settings.secrets;
  plan.options.env = own.env;
  plan.options.sandboxed = own.sandboxed;
  plan.options.limits = own.limits;
  plan.options.groups = settings.groups;
  plan.options.start_timeout_ms = settings.start_timeout_ms;
  plan.options.ping_timeout_ms = settings.ping_timeout_ms;
  plan.options.cancel_grace_ms = settings.cancel_grace_ms;
  plan.options.hang_grace_ms = settings.hang_grace_ms;
  plan.deaths_max = settings.deaths_max;
  plan.deny_after = settings.deny_after;
  plan.options.wait_for_debugger = own.wait_for_debugger;
  return plan;
}

Instance::Instance(InstancePlan plan, PluginStore& store, std::function<void()> wake)
    : plan_(std::move(plan)), store_(store), wake_(std::move(wake)), denied_(plan_.deny_after) {
  if (plan_.plugin) return;
  phase_ = Phase::kFailed;
  settled_ = true;
  reason_ =
      Status(Code::kFailedPrecondition, plan_.missing.message()).WithHint(plan_.missing.hint());
  if (plan_.disabled) return;
  log::Write(
      log::Id::kPluginFailed,
      {{"plugin", plan_.own.plugin}, {"instance", plan_.own.id}, {"error", reason_.ToString()}});
  Tell(log::Level::kError, "out of service: " + reason_.ToString());
}

void Instance::Tell(log::Level level, std::string_view text) const {
  plan_.options.journal->Add(level, kSourceHost, text);
}

bool Instance::Serves(const InstancePlan& plan) const {
  const HomeOptions& a = plan_.options;
  const HomeOptions& b = plan.options;
  const bool same_settings =
      plan_.own.plugin == plan.own.plugin && plan_.own.isolation == plan.own.isolation &&
      plan_.own.env == plan.own.env && plan_.own.sandboxed == plan.own.sandboxed &&
      plan_.own.sandbox == plan.own.sandbox && plan_.own.limits == plan.own.limits &&
      plan_.own.config_json.Equals(plan.own.config_json.Reveal());
  const bool same_host =
      a.program == b.program && a.start_timeout_ms == b.start_timeout_ms &&
      a.ping_timeout_ms == b.ping_timeout_ms && a.cancel_grace_ms == b.cancel_grace_ms &&
      a.hang_grace_ms == b.hang_grace_ms && a.wait_for_debugger == b.wait_for_debugger &&
      plan_.deaths_max == plan.deaths_max && plan_.deny_after == plan.deny_after;
  const std::string sha256 = plan_.plugin ? plan_.plugin->sha256 : "";
  return same_settings && same_host && plan_.disabled == plan.disabled &&
         a.plugin_path == b.plugin_path && sha256 == (plan.plugin ? plan.plugin->sha256 : "");
}

bool Instance::failed() const {
  const MutexLock lock(mutex_);
  return phase_ == Phase::kFailed;
}

std::string Instance::Who() const {
  return "plugin " + plan_.own.plugin + " (instance " + plan_.own.id + ")";
}

bool Instance::Enter() {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  ++open_calls_;
  return true;
}

void Instance::Exit() {
  {
    const MutexLock lock(mutex_);
    --open_calls_;
    if (!leaving_ || open_calls_ > 0) return;
  }
  wake_();
}

bool Instance::Close(bool by_force) {
  const MutexLock lock(mutex_);
  leaving_ = true;
  closed_ = closed_ || by_force || open_calls_ == 0;
  return closed_;
}

Result<std::shared_ptr<PluginHome>> Instance::StartHome() {
  const auto changed = [this] { OnChanged(); };
  DCP_TRY(store_.CheckUnchanged(*plan_.plugin));
  HomeOptions options = plan_.options;
  options.config_json = plan_.own.config_json;
  if (plan_.secrets) {
    const auto source = [&](const std::string& reference) {
      Result<Secret> secret = plan_.secrets(reference);
      // The path of a secret's file is none.
      if (secret.ok() && reference.rfind("secret.", 0) == 0) Conceal(*secret);
      return secret;
    };
    DCP_ASSIGN(options.config_json, schema::Fill(plan_.own.config_json, source).With(Who()));
  }
  if (plan_.own.isolation == kIsolationInProcess) {
    return std::shared_ptr<PluginHome>(InProcess::Start(std::move(options), changed));
  }
  DCP_ASSIGN(std::shared_ptr<PluginHome> worker, WorkerProcess::Spawn(std::move(options), changed));
  return worker;
}

SteadyMillis Instance::Supervise(SteadyMillis now) {
  std::shared_ptr<PluginHome> old;
  {
    const MutexLock lock(mutex_);
    if (phase_ != Phase::kDue) return kNever;
    if (now < due_) return due_;
    phase_ = Phase::kStarting;
    if (++starts_ > 1) counters().Restarted();
    old = std::move(home_);
  }
  old.reset();  // its process has ended; this joins its thread
  Result<std::shared_ptr<PluginHome>> made = StartHome();
  MutexLock lock(mutex_);
  if (phase_ == Phase::kStopped) {
    lock.unlock();
    return kNever;  // it was stopped meanwhile; `made` ends with this function
  }
  if (!made.ok()) {
    // NOT_FOUND is kept for routes; a program that is missing is a set-up to mend.
    const bool transient = IsTransient(made.status().code());
    Died(Status(transient ? Code::kUnavailable : Code::kFailedPrecondition, made.status().message())
             .WithHint(made.status().hint()),
         !transient);
    return phase_ == Phase::kDue ? due_ : kNever;
  }
  home_ = std::move(made).value();
  changed_.notify_all();
  return kNever;
}

/// On a thread of the worker, which may come before Supervise() has stored it.
void Instance::OnChanged() {
  {
    MutexLock lock(mutex_);
    changed_.wait(lock, [this]() DCP_REQUIRES(mutex_) {
      return home_ != nullptr || phase_ == Phase::kStopped;
    });
    if (phase_ != Phase::kStarting && phase_ != Phase::kReady) return;
    if (home_->phase() == PluginHome::Phase::kReady) {
      phase_ = Phase::kReady;
      settled_ = true;
      log::Write(log::Id::kPluginReady,
                 {{"plugin", plan_.own.plugin}, {"instance", plan_.own.id}, {"pid", home_->pid()}});
      const int64_t pid = home_->pid();
      Tell(log::Level::kInfo, pid == 0 ? "ready" : "ready: worker " + std::to_string(pid));
    } else {
      bool permanent = false;
      const Status reason = home_->ending(permanent);
      Died(reason, permanent);
    }
    changed_.notify_all();
  }
  wake_();
}

void Instance::Died(const Status& why, bool permanent) {
  const Status reason = Redact(why);
  settled_ = true;
  reason_ = reason;
  ++deaths_;
  const bool give_up = permanent || deaths_ >= plan_.deaths_max;
  if (give_up && reason_.hint().empty()) {
    reason_ = std::move(reason_).WithHint("`pretzel service restart " + plan_.own.id +
                                          "` starts it again once the reason is mended");
  }
  phase_ = give_up ? Phase::kFailed : Phase::kDue;
  due_ = SystemClock().Steady() + BackOffMs(deaths_);
  log::Write(
      give_up ? log::Id::kPluginFailed : log::Id::kPluginDied,
      {{"plugin", plan_.own.plugin}, {"instance", plan_.own.id}, {"error", reason.ToString()}});
  Tell(give_up ? log::Level::kError : log::Level::kWarning,
       (give_up ? "out of service: " : "died: ") + reason.ToString());
  changed_.notify_all();
}

Status Instance::WaitSettled(const std::function<bool()>& cancelled) {
  // A person takes as long as they take; neither a start nor a reload waits for them.
  if (plan_.options.wait_for_debugger) return Status::Ok();
  MutexLock lock(mutex_);
  while (!settled_ && phase_ != Phase::kStopped) {
    if (!cancelled) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    const bool stop = cancelled();
    lock.lock();
    if (stop) return Cancelled("the start of " + Who() + " was not waited for");
    changed_.wait_for(lock, std::chrono::milliseconds(kCancelPollMs));
  }
  if (phase_ == Phase::kReady) return Status::Ok();
  return phase_ == Phase::kStopped ? Unavailable(Who() + " is being stopped") : reason_;
}

Result<std::shared_ptr<PluginHome>> Instance::WaitHome(const PluginHome* dead,
                                                       const CallOptions& options) {
  const SteadyMillis begin = SystemClock().Steady();
  const SteadyMillis patience =
      plan_.options.wait_for_debugger ? kNever : begin + plan_.options.start_timeout_ms;
  const bool own_deadline = options.deadline != 0 && options.deadline < patience;
  const SteadyMillis until = own_deadline ? options.deadline : patience;
  std::optional<QueuedCall> queued;  // only when it has to wait: the usual call does not pay
  MutexLock lock(mutex_);
  for (;;) {
    if (phase_ == Phase::kFailed) return reason_;
    if (phase_ == Phase::kStopped) return Unavailable(Who() + " is being stopped");
    if (phase_ == Phase::kReady && home_.get() != dead) return home_;
    if (!queued) queued.emplace(counters());
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
    const SteadyMillis slice =
        std::min(options.cancelled ? kCancelPollMs : until - now, kWaitSliceMs);
    changed_.wait_for(lock, std::chrono::milliseconds(slice));
  }
}

Result<Reply> Instance::Call(const std::string& method, const std::string& request,
                             const CallOptions& options) {
  if (const Status denied = denied_.Check(method, request); !denied.ok()) {
    return denied.With(Who()).WithHint("tell the plugin's author; `pretzel service restart " +
                                       id() +
                                       "`, or a new file of the plugin, lets it be tried again");
  }
  std::shared_ptr<PluginHome> home;
  for (;;) {
    // A worker that died before it got the call is waited out: nothing was lost with it.
    DCP_ASSIGN(home, WaitHome(home.get(), options));
    bool sent = false;
    Result<Reply> reply = home->Call(method, request, options, sent);
    if (options.sent != nullptr) *options.sent = *options.sent || sent;
    if (options.answered != nullptr) *options.answered = reply.ok() && reply->from_plugin;
    if (!sent && reply.status().code() == Code::kUnavailable) continue;
    if (reply.ok() && reply->from_plugin) {
      denied_.Answered(method, request);
      const MutexLock lock(mutex_);
      deaths_ = 0;
    } else if (sent && home->phase() == PluginHome::Phase::kEnded && !WasAsked(home.get())) {
      const std::string death = reply.ok() ? reply->body : reply.status().message();
      if (denied_.Died(home, method, request, death)) {
        Tell(log::Level::kWarning, "a request of " + method + " is refused from now on, after " +
                                       std::to_string(plan_.deny_after) +
                                       " deaths of a worker while it ran");
      }
    }
    return reply;
  }
}

bool Instance::WasAsked(const PluginHome* home) const {
  const MutexLock lock(mutex_);
  return asked_ == home || phase_ == Phase::kStopped;
}

InstanceState Instance::State() const {
  InstanceState state;
  state.id = plan_.own.id;
  state.plugin = plan_.own.plugin;
  state.isolation = plan_.own.isolation;
  if (const Manifest* own = manifest()) {
    state.version = own->version;
    state.sha256 = plan_.plugin->sha256;
    state.path = plan_.plugin->source;
    for (const Capability& c : own->capabilities) {
      state.capabilities.push_back(c.name);
      for (const std::string& method : c.methods) state.methods.push_back(c.name + "." + method);
    }
  }
  const MutexLock lock(mutex_);
  state.state = plan_.disabled                                          ? "DISABLED"
                : phase_ == Phase::kReady                               ? "READY"
                : phase_ == Phase::kFailed || phase_ == Phase::kStopped ? "FAILED"
                                                                        : "RESTARTING";
  if (phase_ != Phase::kReady && !reason_.ok()) state.detail = reason_.ToString();
  if (home_ && phase_ == Phase::kReady) state.unconfined = home_->unconfined();
  if (!plan_.own.sandboxed && plan_.own.isolation != kIsolationInProcess) {
    state.unconfined = kNotConfined;
  }
  state.restarts = std::max(0, starts_ - 1);
  // Also while it starts: a debugger attaches to it then, and a start that takes long is looked at.
  if (home_ && (phase_ == Phase::kReady || phase_ == Phase::kStarting)) state.pid = home_->pid();
  return state;
}

InstanceMetrics Instance::Metrics() const {
  const InstanceState state = State();
  InstanceMetrics metrics{
      state.id, state.plugin, state.version, state.isolation, state.state, state.pid, {}, {}};
  metrics.calls = counters().Read();
  metrics.worker = UsageOf(state.pid);
  return metrics;
}

Status Instance::Restart() {
  std::shared_ptr<PluginHome> home;
  {
    const MutexLock lock(mutex_);
    if (!plan_.plugin) {
      return FailedPrecondition(Who() + " cannot be restarted: " + reason_.message())
          .WithHint(plan_.disabled ? "`pretzel plugin enable " + id() + "` takes it back"
                                   : "mend it, then `pretzel config reload`");
    }
    if (phase_ == Phase::kStopped) return Unavailable("the plugin host is stopping");
    Tell(log::Level::kInfo, "a restart was asked for");
    deaths_ = 0;
    due_ = 0;
    asked_ = home_.get();
    denied_.Clear();
    if (phase_ == Phase::kFailed) phase_ = Phase::kDue;
    if (phase_ == Phase::kReady) home = home_;
    changed_.notify_all();
  }
  // Its end makes the next one due.
  if (!home || home->Kill("a restart was asked for")) return {};
  return FailedPrecondition(Who() + " runs in the daemon's own process and cannot be ended alone")
      .WithHint("restart dcpd, or use isolation: worker");
}

void Instance::Stop() {
  std::shared_ptr<PluginHome> home;
  {
    const MutexLock lock(mutex_);
    phase_ = Phase::kStopped;
    home = std::move(home_);
    changed_.notify_all();
  }
  if (home) home->Stop();
  Tell(log::Level::kInfo, "stopped");
}

}  // namespace dcp::host
