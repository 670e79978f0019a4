// SPDX-License-Identifier: Apache-2.0
//
// The supervisor: one thread owns every child from spawn to reap (PDEATHSIG is tied to the thread
// that spawned), and turns what it sees (an end, a due time, an answer of a health check) into the
// next step of that service. Health checks may block, so each service has a thread for them.
#include "os/supervisor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "base/mutex.h"
#include "os/process.h"
#include "os/service.h"

namespace dcp::os {
namespace {

/// Starts that may fail in a row. With the back-off below, a service that cannot start at all (a
/// port in use) is FAILED after about three seconds,
constexpr int kFailuresMax = 5;
constexpr int64_t kBackOffFirstMs = 200;
constexpr int64_t kBackOffMaxMs = 30'000;
/// and is tried again this often: what it needs (a network, a disk, a port) may come back.
constexpr int64_t kFailedRetryMs = 60'000;
/// A service that was ready this long starts a new row of failures.
constexpr int64_t kStableMs = 60'000;
/// Health checks that fail in a row before a restart: one may be bad luck.
constexpr int kHealthFailuresMax = 3;
/// How often WaitReady asks whether it is to be given up.
constexpr int64_t kGiveUpPollMs = 50;
/// After SIGKILL a process ends unless it is stuck in the kernel.
constexpr int64_t kKillWaitMs = 5'000;

class SupervisorImpl : public Supervisor {
 public:
  explicit SupervisorImpl(const Clock& clock)
      : clock_(clock), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    DCP_CHECK(wake_fd_ >= 0);
    thread_ = std::thread([this] { Run(); });
  }

  SupervisorImpl(const SupervisorImpl&) = delete;
  SupervisorImpl& operator=(const SupervisorImpl&) = delete;

  ~SupervisorImpl() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
    for (auto& [name, service] : services_) service->checker.request_stop();
    services_.clear();  // joins the checkers
    ::close(wake_fd_);
  }

  Status Add(ServiceSpec spec) override {
    const MutexLock lock(mutex_);
    if (spec.name.empty()) return InvalidArgument("cannot add a service without a name");
    auto [at, added] = services_.try_emplace(spec.name, nullptr);
    if (!added) return AlreadyExists("service " + spec.name + " is there already");
    at->second = std::make_unique<Service>();
    Service* service = at->second.get();
    service->spec = std::move(spec);
    service->start_at = clock_.Steady();
    if (service->spec.healthy) {
      service->checker =
          std::jthread([this, service](const std::stop_token& stop) { Check(*service, stop); });
    }
    Wake();
    return {};
  }

  Status WaitReady(int64_t timeout_ms, const std::function<bool()>& give_up) override {
    Wake();  // a clock that was moved by hand wakes nobody
    MutexLock lock(mutex_);
    const auto decided = [this]() DCP_REQUIRES(mutex_) {
      return std::all_of(services_.begin(), services_.end(), [](auto& s) {
        return s.second->phase == Phase::kReady || s.second->phase == Phase::kFailed;
      });
    };
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    bool in_time = decided();
    while (!in_time && std::chrono::steady_clock::now() < end) {
      if (give_up && give_up()) return Cancelled("told to stop while services were starting");
      const auto slice = std::chrono::milliseconds(give_up ? kGiveUpPollMs : timeout_ms);
      in_time = changed_.wait_until(lock, std::min(end, std::chrono::steady_clock::now() + slice),
                                    decided);
    }
    std::string waiting;
    std::string log_tail;
    for (const auto& [name, service] : services_) {
      if (service->phase == Phase::kReady) continue;
      waiting += (waiting.empty() ? "" : "; ") + ("service " + name) + " is " + StateName(*service);
      if (!service->detail.empty()) waiting += ": " + service->detail;
      if (log_tail.empty()) log_tail = service->log_tail;
    }
    if (waiting.empty()) return {};
    if (in_time) return Unavailable(waiting).WithLogTail(log_tail);
    return DeadlineExceeded("not ready after " + std::to_string(timeout_ms) + " ms: " + waiting)
        .WithLogTail(log_tail);
  }

  Status Restart(const std::string& name) override {
    const MutexLock lock(mutex_);
    const auto at = services_.find(name);
    if (at == services_.end()) return NotFound("there is no service " + name);
    Service& service = *at->second;
    service.failures = 0;
    if (service.HasProcess()) {
      if (service.phase != Phase::kEnding) End(service, false);
    } else {
      service.phase = Phase::kWaiting;
      service.start_at = clock_.Steady();
    }
    Wake();
    return {};
  }

  std::vector<ServiceState> States() const override {
    const MutexLock lock(mutex_);
    std::vector<ServiceState> states;
    for (const auto& [name, service] : services_) {
      ServiceState state;
      state.name = name;
      state.state = stopped_ ? "STOPPED" : StateName(*service);
      state.pid = service->HasProcess() ? service->process.pid() : 0;
      state.restarts = service->restarts;
      state.endpoint = service->spec.endpoint;
      state.detail = service->detail;
      state.log_tail = service->log_tail;
      states.push_back(std::move(state));
    }
    return states;
  }

 private:
  void Wake() const {
    const uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof one);
  }

  // ---- the supervisor's thread; mutex_ is held in all of these but Run ----

  void Run() {
    MutexLock lock(mutex_);
    while (!stopping_) {
      for (auto& [name, service] : services_) Step(*service);
      changed_.notify_all();
      SleepUntilSomething();
    }
    StopAll();
    stopped_ = true;
  }

  void SleepUntilSomething() const DCP_REQUIRES(mutex_) {
    SteadyMillis next = kNever;
    std::vector<pollfd> watched = {{wake_fd_, POLLIN, 0}};
    for (const auto& [name, service] : services_) {
      next = std::min(next, NextDue(*service));
      if (service->HasProcess()) watched.push_back({service->process.pidfd(), POLLIN, 0});
    }
    constexpr int64_t kPollMax = 1 << 30;  // what fits into poll's int
    const int timeout =
        next == kNever ? -1
                       : static_cast<int>(std::clamp<int64_t>(next - clock_.Steady(), 0, kPollMax));
    mutex_.unlock();
    (void)::poll(watched.data(), watched.size(), timeout);
    uint64_t count;
    (void)!::read(wake_fd_, &count, sizeof count);
    mutex_.lock();
  }

  static SteadyMillis NextDue(const Service& service) {
    switch (service.phase) {
      case Phase::kWaiting:
      case Phase::kFailed:
        return service.start_at;
      case Phase::kStarting:
      case Phase::kReady:
        return service.check_running ? kNever : service.check_at;
      case Phase::kEnding:
        return service.kill_at;
    }
    return kNever;
  }

  void Step(Service& service) DCP_REQUIRES(mutex_) {
    const SteadyMillis now = clock_.Steady();
    if (service.HasProcess()) ReapIfEnded(service, now);
    TakeAnswer(service, now);
    const bool waits = service.phase == Phase::kWaiting || service.phase == Phase::kFailed;
    if (waits && now >= service.start_at) Start(service, now);
    if ((service.phase == Phase::kStarting || service.phase == Phase::kReady) &&
        !service.check_running && now >= service.check_at) {
      service.check_running = true;
      service.check_wanted = true;
      service.check_cv.notify_one();
    }
    if (service.phase == Phase::kEnding && now >= service.kill_at) {
      (void)service.process.KillGroup(SIGKILL);
      service.kill_at = kNever;
    }
  }

  void ReapIfEnded(Service& service, SteadyMillis now) {
    const auto exit = service.process.Wait(0);
    if (!exit.ok() && exit.status().code() == Code::kDeadlineExceeded) return;
    (void)service.process.KillGroup(SIGKILL);  // what it leaves behind
    const bool asked = service.phase == Phase::kEnding;
    std::string why =
        asked ? service.detail
              : "ended with " + (exit.ok() ? exit->ToString() : exit.status().message());
    if (!asked) service.log_tail = ServiceLogTail(service.spec.log_file, service.log_start);
    service.process = Process();
    service.check_at = kNever;
    ++service.generation;
    if (asked && !service.ending_is_failure) {
      service.phase = Phase::kWaiting;
      service.start_at = now;
      return;
    }
    Failed(service, now, std::move(why));
  }

  /// One more failure in the row: another start after a while, or no more.
  void Failed(Service& service, SteadyMillis now, std::string why) {
    if (service.ready_since > 0 && now - service.ready_since >= kStableMs) service.failures = 0;
    service.ready_since = 0;
    service.detail = std::move(why);
    ++service.failures;
    if (service.failures >= kFailuresMax) {
      service.phase = Phase::kFailed;
      service.start_at = now + kFailedRetryMs;
      service.detail += " (attempt " + std::to_string(service.failures) + "; the next follows in " +
                        std::to_string(kFailedRetryMs / 1000) + " s)";
      return;
    }
    service.phase = Phase::kWaiting;
    service.start_at =
        now + std::min(kBackOffMaxMs, kBackOffFirstMs << std::min(service.failures - 1, 20));
  }

  void Start(Service& service, SteadyMillis now) {
    const ServiceSpec& spec = service.spec;
    if (service.started_once) ++service.restarts;
    service.started_once = true;
    SpawnOptions options;
    options.argv = spec.argv;
    options.env = spec.env;
    options.directory = spec.directory;
    options.die_with_parent = true;
    int log = -1;
    if (!spec.log_file.empty()) {
      const auto opened = OpenServiceLog(spec.log_file, &service.log_start);
      if (!opened.ok()) return Failed(service, now, opened.status().message());
      log = *opened;
      options.stdout_fd = log;
      options.stderr_fd = log;
    }
    auto process = Process::Spawn(options);
    if (log >= 0) ::close(log);
    if (!process.ok()) return Failed(service, now, process.status().message());
    service.process = std::move(*process);
    service.health_failures = 0;
    service.phase = Phase::kStarting;
    service.ready_by = now + spec.ready_timeout_ms;
    service.check_at = now;
    if (!spec.healthy) Ready(service, now);
  }

  void Ready(Service& service, SteadyMillis now) {
    service.phase = Phase::kReady;
    service.ready_since = now;
    service.detail.clear();
    service.log_tail.clear();
    service.check_at = service.spec.healthy ? now + service.spec.health_ms : kNever;
  }

  void TakeAnswer(Service& service, SteadyMillis now) {
    if (!service.answer) return;
    const auto [generation, status] = *std::exchange(service.answer, std::nullopt);
    if (generation != service.generation) return;
    if (service.phase == Phase::kStarting) {
      if (status.ok()) return Ready(service, now);
      service.check_at = now + service.spec.ready_poll_ms;
      if (now < service.ready_by) return;
      service.detail = "not ready after " + std::to_string(service.spec.ready_timeout_ms) +
                       " ms: " + status.message();
      service.log_tail = ServiceLogTail(service.spec.log_file, service.log_start);
      End(service, true);
    } else if (service.phase == Phase::kReady) {
      service.check_at = now + service.spec.health_ms;
      service.health_failures = status.ok() ? 0 : service.health_failures + 1;
      if (service.health_failures < kHealthFailuresMax) return;
      service.detail = "unhealthy: " + status.message();
      service.log_tail = ServiceLogTail(service.spec.log_file, service.log_start);
      End(service, true);
    }
  }

  /// Asks the process to end; the next step follows when it has.
  void End(Service& service, bool is_failure) {
    service.phase = Phase::kEnding;
    service.ending_is_failure = is_failure;
    service.kill_at = clock_.Steady() + service.spec.stop_grace_ms;
    (void)service.process.KillGroup(SIGTERM);
  }

  /// All at once: TERM to everyone, then each gets its own grace. Real time, not clock_: at the
  /// end of the process nobody moves a manual clock.
  void StopAll() DCP_REQUIRES(mutex_) {
    const Clock& real = SystemClock();
    const SteadyMillis start = real.Steady();
    for (auto& [name, service] : services_) {
      if (service->HasProcess()) (void)service->process.KillGroup(SIGTERM);
    }
    for (auto& [name, service] : services_) {
      if (!service->HasProcess()) continue;
      const int64_t left = start + service->spec.stop_grace_ms - real.Steady();
      mutex_.unlock();
      const auto exit = service->process.Wait(std::max<int64_t>(left, 0));
      mutex_.lock();
      (void)service->process.KillGroup(SIGKILL);
      if (!exit.ok()) (void)service->process.Wait(kKillWaitMs);
      service->process = Process();
    }
  }

  // ---- a checker's thread ----

  void Check(Service& service, const std::stop_token& stop) {
    MutexLock lock(mutex_);
    while (service.check_cv.wait(lock, stop,
                                 [&]() DCP_REQUIRES(mutex_) { return service.check_wanted; })) {
      if (stop.stop_requested()) return;
      service.check_wanted = false;
      const uint64_t generation = service.generation;
      lock.unlock();
      Status status = service.spec.healthy();
      lock.lock();
      service.answer.emplace(generation, std::move(status));
      service.check_running = false;
      Wake();
    }
  }

  const Clock& clock_;
  const int wake_fd_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ DCP_GUARDED_BY(mutex_) = false;
  bool stopped_ DCP_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::unique_ptr<Service>> services_ DCP_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Supervisor> Supervisor::Create(const Clock& clock) {
  return std::make_unique<SupervisorImpl>(clock);
}

}  // namespace dcp::os
