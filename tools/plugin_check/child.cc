// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/child.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "os/process.h"
#include "plugin_check/probe/utf8.h"

extern char** environ;

namespace dcp::plugin_check {
namespace {

/// The end of what a child printed: enough for an assertion's text.
constexpr size_t kTailBytes = 300;

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("plugin_check", MFD_CLOEXEC)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

std::vector<std::pair<std::string, std::string>> Environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

/// Until the process has ended; false when it has not after the time.
bool WaitEnded(const os::Process& process, int64_t timeout_ms) {
  pollfd fd{process.pidfd(), POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&fd, 1, static_cast<int>(timeout_ms));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// Ends the whole group while its number is certainly still ours, then reaps.
Result<os::ExitStatus> Reap(os::Process& process) {
  (void)process.KillGroup(SIGKILL);
  return process.Wait(-1);
}

/// "in invoke() of ...; the last word of the plugin was complete()".
std::string Where(const std::string& record, const std::string& printed) {
  const auto part = [&record](size_t at) {
    return at < record.size() ? std::string(record.c_str() + at) : std::string();
  };
  std::string words = part(0);
  if (const std::string heard = part(kRecordBytes / 2); !heard.empty()) {
    words += "; the plugin's last word was " + heard;
  }
  if (!printed.empty()) {
    const size_t from = printed.size() > kTailBytes ? printed.size() - kTailBytes : 0;
    words += "; it printed: " + Printable(printed.substr(from));
  }
  return words;
}

Verdict Broken(const std::string& what) { return Verdict::Failed("the checker itself: " + what); }

}  // namespace

Result<std::string> RunForOutput(const std::vector<std::string>& argv, int64_t timeout_ms,
                                 const std::vector<std::pair<std::string, std::string>>& env) {
  const MemoryFile output;
  if (output.fd() < 0) return FromErrno(errno, "memfd_create");
  os::SpawnOptions spawn;
  spawn.argv = argv;
  spawn.env = Environment();
  spawn.env.insert(spawn.env.end(), env.begin(), env.end());
  spawn.stdout_fd = output.fd();
  spawn.stderr_fd = output.fd();
  spawn.die_with_parent = true;
  DCP_ASSIGN(os::Process process, os::Process::Spawn(spawn));
  const bool ended = WaitEnded(process, timeout_ms);
  DCP_TRY(Reap(process).status());
  if (!ended)
    return DeadlineExceeded(argv[0] + " did not end within " + std::to_string(timeout_ms) + " ms");
  return ReadAll(output.fd());
}

namespace {

/// A child with its files.
struct Child {
  MemoryFile input;
  MemoryFile verdict;
  MemoryFile record;
  MemoryFile output;
  os::Process process;

  Status Start(const std::vector<std::string>& argv, const Job& job) {
    for (const MemoryFile* file : {&input, &verdict, &record, &output}) {
      if (file->fd() < 0) return FromErrno(errno, "memfd_create");
    }
    DCP_TRY(WriteAll(input.fd(), EncodeJob(job)));
    if (ftruncate(record.fd(), kRecordBytes) != 0) return FromErrno(errno, "ftruncate");
    os::SpawnOptions spawn;
    spawn.argv = argv;
    spawn.env = Environment();
    spawn.stdout_fd = output.fd();
    spawn.stderr_fd = output.fd();
    spawn.fds = {{input.fd(), kJobFd}, {verdict.fd(), kVerdictFd}, {record.fd(), kRecordFd}};
    spawn.die_with_parent = true;
    DCP_ASSIGN(process, os::Process::Spawn(spawn));
    return Status::Ok();
  }

  /// What it said, once it has ended with `exit`.
  Verdict Said(const os::ExitStatus& exit) const {
    const std::string bytes = ReadAll(verdict.fd());
    if (exit.code != 0 || exit.signal != 0 || bytes.empty()) {
      return Verdict::Failed("the process ended with " + exit.ToString() + " " + Place());
    }
    const Result<Verdict> read = DecodeVerdict(bytes);
    return read.ok() ? *read : Broken(read.status().message());
  }
  std::string Place() const { return Where(ReadAll(record.fd()), ReadAll(output.fd())); }
};

}  // namespace

Verdict RunChild(const std::vector<std::string>& argv, const Job& job, int64_t timeout_ms) {
  Child child;
  if (const Status started = child.Start(argv, job); !started.ok())
    return Broken(started.message());
  const bool ended = WaitEnded(child.process, timeout_ms);
  const Result<os::ExitStatus> exit = Reap(child.process);
  if (!ended) {
    return Verdict::Failed("it did not end within " + std::to_string(timeout_ms) + " ms, " +
                           child.Place());
  }
  return exit.ok() ? child.Said(*exit) : Broken(exit.status().message());
}

Verdict RunUntilVerdict(const std::vector<std::string>& argv, const Job& job, int64_t timeout_ms) {
  constexpr int64_t kLookMs = 5;
  Child child;
  if (const Status started = child.Start(argv, job); !started.ok())
    return Broken(started.message());
  for (int64_t waited = 0; waited < timeout_ms; waited += kLookMs) {
    if (WaitEnded(child.process, kLookMs)) {
      const Result<os::ExitStatus> exit = Reap(child.process);
      return exit.ok() ? child.Said(*exit) : Broken(exit.status().message());
    }
    if (lseek(child.verdict.fd(), 0, SEEK_END) <= 0) continue;
    (void)child.process.Kill(SIGKILL);
    (void)child.process.Wait(-1);
    return child.Said({});
  }
  (void)Reap(child.process);
  return Verdict::Failed("it did not end within " + std::to_string(timeout_ms) + " ms, " +
                         child.Place());
}

}  // namespace dcp::plugin_check
