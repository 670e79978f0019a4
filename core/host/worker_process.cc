// SPDX-License-Identifier: Apache-2.0
//
// A worker from spawn to end: the thread that listens to it, and what ends it.
#include "host/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/clock.h"
#include "host/hello.h"
#include "host/worker_arguments.h"
#include "log/log.h"

namespace dcp::host {
namespace {

/// How often timeouts are looked at, when nothing else happens.
constexpr int64_t kTickMs = 500;
/// The worker's number for its socket.
constexpr int kWorkerFd = 3;
/// Threads and processes of one worker, where they can be counted: far more than a plugin needs,
/// far less than a machine has.
constexpr int64_t kWorkerTasksMax = 4096;

}  // namespace

/// A caller's side of its call.
class WorkerProcess::Line : public CallLine {
 public:
  Line(WorkerProcess& home, uint64_t id) : home_(home), id_(id) {}
  // A failure to send means that the worker is dying, which the call learns by itself.
  void Cancel() override { (void)home_.channel_->Send(FrameType::kCancel, id_, {}); }
  void Give(uint64_t cost) override {
    (void)home_.channel_->Send(FrameType::kRoom, id_,
                               BodyWriter().I64(static_cast<int64_t>(cost)).Take());
  }
  bool Join() override { return home_.socket_open_ && home_.role_.Take(); }
  void Listen(int64_t wait_ms) override { home_.Listen(wait_ms); }
  void Leave(bool tired) override {
    home_.role_.Release();
    // Asked after the release: who opened a call before it may wait for someone to read.
    if (tired || home_.calls_.open() > 0) home_.role_.ToWatcher();
  }

 private:
  WorkerProcess& home_;
  const uint64_t id_;
};

WorkerProcess::WorkerProcess(HomeOptions options, std::function<void()> changed)
    : options_(std::move(options)),
      changed_(std::move(changed)),
      who_("plugin " + options_.plugin + " (instance " + options_.instance + ")"),
      calls_(who_, options_.cancel_grace_ms),
      stdout_(kSourceStdout),
      stderr_(kSourceStderr) {}

WorkerProcess::~WorkerProcess() { Stop(); }

Result<std::shared_ptr<WorkerProcess>> WorkerProcess::Spawn(HomeOptions options,
                                                            std::function<void()> changed) {
  std::shared_ptr<WorkerProcess> worker(new WorkerProcess(std::move(options), std::move(changed)));
  DCP_TRY(worker->Start().With("cannot start a worker for " + worker->who_));
  return worker;
}

Status WorkerProcess::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return FromErrno(errno, "socketpair");
  }
  channel_ = std::make_unique<Channel>(ends[0]);
  os::SpawnOptions spawn;
  spawn.argv = {options_.program, std::to_string(kWorkerFd)};
  if (options_.wait_for_debugger) spawn.argv.emplace_back(kWaitForDebugger);
  spawn.env = options_.env;
  spawn.fds = {{ends[1], kWorkerFd}};
  spawn.die_with_parent = true;
  Status status = role_.Open();
  if (status.ok()) {
    status = stdout_.Open(options_.plugin, options_.instance, options_.journal, spawn.stdout_fd);
  }
  if (status.ok()) {
    status = stderr_.Open(options_.plugin, options_.instance, options_.journal, spawn.stderr_fd);
  }
  if (status.ok()) {
    Result<os::Process> process = os::Process::Spawn(spawn);
    status = process.ok() ? Status::Ok() : process.status();
    if (process.ok()) process_ = std::move(process).value();
  }
  for (const int fd : {ends[1], spawn.stdout_fd, spawn.stderr_fd}) {
    if (fd >= 0) close(fd);
  }
  DCP_TRY(status);
  pid_ = process_.pid();
  if (options_.wait_for_debugger) {
    log::Write(log::Id::kPluginWaitsForDebugger, {{"plugin", options_.plugin},
                                                  {"instance", options_.instance},
                                                  {"pid", pid_},
                                                  {"attach", "gdb -p " + std::to_string(pid_)}});
    options_.journal->Add(log::Level::kInfo, kSourceHost,
                          "worker " + std::to_string(pid_) + " waits for a debugger");
  }
  Group();
  started_ms_ = pinged_ms_ = SystemClock().Steady();
  heard_ms_ = started_ms_;
  DCP_TRY(channel_->Send(FrameType::kHello, 0,
                         EncodeHello({options_.plugin_path, options_.plugin_source,
                                      options_.sandboxed, options_.sandbox, options_.limits})));
  thread_ = std::thread([this] { Loop(); });
  return Status::Ok();
}

/// Before it is told what to load. Without a group each of its processes has limits of its own.
void WorkerProcess::Group() {
  if (!options_.sandboxed) SayUnprotected(kNotConfined);
  std::string missing = options_.groups.missing;
  const MutexLock lock(mutex_);
  if (!options_.groups.folder.empty()) {
    auto group = os::ControlGroup::Make(options_.groups.folder,
                                        {options_.limits.memory_bytes, kWorkerTasksMax});
    const Status status = group.ok() ? (*group)->Admit(pid_) : group.status();
    if (status.ok()) {
      group_ = std::move(group).value();
      return;
    }
    missing = status.message();
  }
  if (!missing.empty()) LimitsAreMissing(missing);
}

void WorkerProcess::LimitsAreMissing(const std::string& why) {
  unconfined_ = options_.sandbox.processes
                    ? "limits.memory holds for each of its processes alone, and their number is "
                      "not limited: "
                    : "the number of its threads is not limited: ";
  unconfined_ += why;
  SayUnprotected(unconfined_);
}

void WorkerProcess::SayUnprotected(const std::string& missing) const {
  log::Write(log::Id::kPluginUnprotected,
             {{"plugin", options_.plugin}, {"instance", options_.instance}, {"missing", missing}});
  options_.journal->Add(log::Level::kWarning, kSourceHost,
                        "its worker is not fully confined; missing: " + missing);
}

WorkerProcess::Phase WorkerProcess::phase() const {
  const MutexLock lock(mutex_);
  return phase_;
}

Status WorkerProcess::ending(bool& permanent) const {
  const MutexLock lock(mutex_);
  permanent = ending_permanent_;
  return ending_;
}

std::string WorkerProcess::unconfined() const {
  const MutexLock lock(mutex_);
  return unconfined_;
}

void WorkerProcess::Loop() {
  bool exited = false;
  while (!exited) {
    Wait(exited);
    Tick();
  }
  Drain();
  End();
  changed_();
}

void WorkerProcess::Wait(bool& exited) {
  const bool reads = socket_open_ && role_.Watches(SystemClock().Steady());
  pollfd fds[5] = {{reads ? channel_->fd() : -1, POLLIN, 0},
                   {stdout_.fd(), POLLIN, 0},
                   {stderr_.fd(), POLLIN, 0},
                   {process_.pidfd(), POLLIN, 0},
                   {role_.fd(), POLLIN, 0}};
  const int64_t tick = std::clamp<int64_t>(options_.ping_timeout_ms / 4, 1, kTickMs);
  const int64_t wait_ms = reads || !socket_open_ ? tick : std::min(tick, kRoleMs);
  if (poll(fds, 5, static_cast<int>(wait_ms)) <= 0) return;
  if (fds[0].revents != 0 && ReadFrames()) OfferRole();
  if (fds[1].revents != 0) stdout_.Read();
  if (fds[2].revents != 0) stderr_.Read();
  exited = fds[3].revents != 0;
  if (fds[4].revents != 0) role_.Seen();
}

/// After an answer to the only call, the next caller is likely to come soon.
void WorkerProcess::OfferRole() {
  {
    const MutexLock lock(read_mutex_);
    if (!std::exchange(answered_, false)) return;
  }
  if (calls_.open() > 0) return;
  role_.Offer(SystemClock().Steady());
  if (calls_.open() > 0) role_.ToWatcher();  // it came meanwhile, and may wait already
}

/// On the thread of a caller who has the role.
void WorkerProcess::Listen(int64_t wait_ms) {
  pollfd fd{socket_open_ ? channel_->fd() : -1, POLLIN, 0};
  const int64_t wait = socket_open_ ? std::max<int64_t>(wait_ms, 0) : 1;  // it is about to end
  if (poll(&fd, 1, static_cast<int>(wait)) > 0) (void)ReadFrames();
}

bool WorkerProcess::ReadFrames() {
  const MutexLock lock(read_mutex_);
  std::vector<Frame> frames;
  const Result<Channel::Got> got = channel_->ReceiveNow(frames);
  for (const Frame& frame : frames) Handle(frame);
  if (got.ok() && *got != Channel::Got::kEnd) return true;
  socket_open_ = false;
  // A plugin may have closed the socket itself; a worker that cannot be talked to is of no use.
  KillFor(got.ok() ? "" : "it broke the protocol: " + got.status().message());
  return false;
}

/// Takes what a dead worker said last: answers it completed count, and its last words explain.
void WorkerProcess::Drain() {
  pollfd fd{channel_->fd(), POLLIN, 0};
  while (socket_open_ && poll(&fd, 1, 0) > 0) (void)ReadFrames();
  stdout_.Read();
  stderr_.Read();
  stdout_.Flush();
  stderr_.Flush();
}

void WorkerProcess::Tick() {
  if (options_.wait_for_debugger) return;  // a person steps through it
  const int64_t now = SystemClock().Steady();
  if (phase() == Phase::kStarting && now - started_ms_ > options_.start_timeout_ms) {
    return KillFor("it was not ready after " + std::to_string(options_.start_timeout_ms) + " ms");
  }
  if (pinged_ms_ > heard_ms_ && now - pinged_ms_ > options_.ping_timeout_ms) {
    return KillFor("it did not answer a ping for " + std::to_string(options_.ping_timeout_ms) +
                   " ms");
  }
  if (pinged_ms_ <= heard_ms_ && now - heard_ms_ > options_.ping_timeout_ms / 2) {
    // When it cannot be sent because the socket is full, the worker is late all the same.
    (void)channel_->TrySend(FrameType::kPing, 0);
    pinged_ms_ = now;
  }
  CheckHung(now);
}

/// A call that was given up and goes on holds a thread of the plugin. With one thread, or when
/// nothing else runs, or when several are held, only a new worker helps.
void WorkerProcess::CheckHung(int64_t now) {
  std::string method;
  const size_t hung = calls_.Hung(now, options_.hang_grace_ms, method);
  if (hung == 0 || (parallel_ && hung < calls_.open() && hung < kAbandonedCallsMax)) return;
  KillFor("the call of " + method + " did not end although it was asked to");
}

Result<Reply> WorkerProcess::Call(const std::string& method, const std::string& request,
                                  const CallOptions& options, bool& sent) {
  sent = false;
  DCP_TRY(CheckRequestSize(method, request));
  uint64_t id = 0;
  Status refused;
  const auto slot = calls_.Open(method, options, id, refused);
  if (!slot) return refused;
  sent = true;
  // A failure to send means that the worker is dying; the slot then learns of what.
  (void)channel_->Send(FrameType::kInvoke, id, InvokeBody(method, request, options));
  Line line(*this, id);
  return calls_.Await(slot, options, line);
}

bool WorkerProcess::Kill(const std::string& why) {
  KillFor(why);
  return true;
}

void WorkerProcess::KillFor(std::string why) {
  const MutexLock lock(mutex_);
  if (kill_reason_.empty()) kill_reason_ = std::move(why);
  KillGroup();
}

void WorkerProcess::KillGroup() {
  if (phase_ == Phase::kEnded) return;
  (void)process_.KillGroup(SIGKILL);
  if (group_) (void)group_->Kill();  // also what has left the group of processes
}

std::string WorkerProcess::Reap() {
  KillGroup();
  const Result<os::ExitStatus> exit = process_.Wait(-1);
  if (!kill_reason_.empty()) return who_ + " was ended: " + kill_reason_;
  return who_ + " ended with " + (exit.ok() ? exit->ToString() : exit.status().message());
}

void WorkerProcess::End() {
  const std::string& last_words = stderr_.tail();
  const std::string last_method = calls_.last_method();
  std::string death;
  std::unique_ptr<os::ControlGroup> group;  // its end may take a moment
  {
    const MutexLock lock(mutex_);
    const bool was_ready = phase_ == Phase::kReady;
    death = Reap();
    std::string when = was_ready ? "" : " while it started";
    if (was_ready && !last_method.empty()) when = "; last method " + last_method;
    ending_ =
        start_failure_.ok() ? Unavailable(death + when).WithLogTail(last_words) : start_failure_;
    ending_permanent_ = start_permanent_;
    phase_ = Phase::kEnded;
    group = std::move(group_);
    phase_changed_.notify_all();
  }
  channel_->Shutdown();  // for a caller who listens: what the plugin forked may hold the other end
  bool permanent = false;
  calls_.End(ending(permanent), death, last_words);
}

void WorkerProcess::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kReady && !stopping_) {
      stopping_ = true;
      lock.unlock();
      calls_.Refuse(Unavailable(who_ + " is not ready"));
      role_.Pin();  // for the answer to the following
      (void)channel_->Send(FrameType::kDestroy, kDestroyId, {});
      lock.lock();
      phase_changed_.wait_for(
          lock, std::chrono::milliseconds(kStopGraceMs),
          [this]() DCP_REQUIRES(mutex_) { return destroyed_ || phase_ == Phase::kEnded; });
    }
  }
  // By force: a plugin's threads may still run, and what it started goes with it.
  {
    const MutexLock lock(mutex_);
    KillGroup();
  }
  thread_.join();
}

}  // namespace dcp::host
