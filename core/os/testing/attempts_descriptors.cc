// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of the victim's file that are to be had tell no content and change nothing; of what
// both hold, the confined one changes its own end alone.
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "os/testing/attempts.h"

namespace dcp::os::testing {
namespace {

char buffer[4096];
iovec vector = {buffer, sizeof buffer};

/// Commands of fcntl from 0 on that are not refused, of those that nobody needs.
long UnexpectedCommands(const Victim& v) {
  constexpr int kNeeded[] = {F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,      F_SETFD,     F_GETFL,
                             F_SETFL,     F_GETLK,         F_SETLK,      F_SETLKW,    F_OFD_GETLK,
                             F_OFD_SETLK, F_OFD_SETLKW,    F_GETPIPE_SZ, F_GET_SEALS, F_ADD_SEALS};
  constexpr int kCommands = 2048;  // the kernel's numbers end at about 1040
  for (int command = 0; command < kCommands; ++command) {
    bool needed = false;
    for (const int each : kNeeded) needed = needed || each == command;
    if (needed) continue;
    if (syscall(SYS_fcntl, v.pipe, command, static_cast<long>(v.pid)) >= 0 || errno != EPERM) {
      return command;
    }
  }
  errno = EPERM;
  return -1;
}

/// What asks a descriptor for something else than its content.
std::vector<Attempt> Controls() {
  return {
    DCP_ATTEMPT(fcntl, "the victim as the owner of a pipe", kRefused,
                return syscall(number, v.pipe, F_SETOWN, v.pid);),
        DCP_ATTEMPT(fcntl, "the victim as the owner of a socket", kRefused,
                    f_owner_ex owner = {F_OWNER_PID, v.pid};
                    return syscall(number, v.channel, F_SETOWN_EX, &owner);),
        DCP_ATTEMPT(fcntl, "a signal instead of SIGIO", kRefused,
                    return syscall(number, v.pipe, F_SETSIG, SIGKILL);),
        DCP_ATTEMPT(fcntl, "signals of a socket", kRefused,
                    return syscall(number, v.channel, F_SETFL, O_ASYNC | O_RDWR);),
        DCP_ATTEMPT(fcntl, "a lease", kRefused,
                    return syscall(number, v.read, F_SETLEASE, F_RDLCK);),
        DCP_ATTEMPT(fcntl, "news of a folder", kRefused, const int fd = ::open("/usr", O_RDONLY);
                    return syscall(number, fd, F_NOTIFY, 1);),
        DCP_ATTEMPT(fcntl, "the size of the pipe that both hold", kRefused,
                    return syscall(number, v.pipe, F_SETPIPE_SZ, 1 << 20);),
        DCP_ATTEMPT(fcntl, "not to block at its own ends", kOwn,
                    (void)syscall(number, v.channel, F_SETFL, O_NONBLOCK | O_RDWR);
                    return syscall(number, v.pipe, F_SETFL, O_NONBLOCK | O_WRONLY);),
        DCP_ATTEMPT(fcntl, "any command that nobody needs", kRefused,
                    return UnexpectedCommands(v);),
        DCP_ATTEMPT(ioctl, "signals of a socket", kRefused, int on = 1;
                    return syscall(number, v.channel, FIOASYNC, &on);),
        DCP_ATTEMPT(ioctl, "the victim as the owner of a socket", kRefused, int pid = v.pid;
                    if (syscall(number, v.channel, FIOSETOWN, &pid) >= 0) return 0;
                    return syscall(number, v.channel, SIOCSPGRP, &pid);),
        DCP_ATTEMPT(ioctl, "input into a terminal", kRefused,
                    if (syscall(number, 0, TIOCSTI, "x") >= 0 || errno != EPERM) return 0;
                    int group = v.pid; return syscall(number, 0, TIOCSPGRP, &group);),
        DCP_ATTEMPT(ioctl, "flags of what may be read", kRefused, long flags = 0x10;
                    return syscall(number, v.read, FS_IOC_SETFLAGS, &flags);),
        DCP_ATTEMPT(ioctl, "to write into what may be read", kRefused,
                    return syscall(number, v.read, FICLONE, v.read);),
  };
}

}  // namespace

std::vector<Attempt> AttemptsOnDescriptors() {
  std::vector<Attempt> attempts = {
    DCP_ATTEMPT(mmap, "a file", kRefused,
                return syscall(number, nullptr, 4096, PROT_READ, MAP_PRIVATE, v.path, 0);),
    DCP_ATTEMPT(
        mmap, "what may be read, to write", kRefused,
        return syscall(number, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v.read, 0);),
    DCP_ATTEMPT(mmap2, "a file", kRefused,
                return syscall(number, nullptr, 4096, PROT_READ, MAP_PRIVATE, v.path, 0);),
    DCP_ATTEMPT(signalfd4, "over a descriptor", kRefused, sigset_t none; sigemptyset(&none);
                return syscall(number, v.path, &none, 8, 0);),
    DCP_ATTEMPT(timerfd_gettime, "a descriptor", kRefused, itimerspec time;
                return syscall(number, v.path, &time);),
    DCP_ATTEMPT(timerfd_settime, "a descriptor", kRefused, itimerspec time = {};
                return syscall(number, v.path, 0, &time, nullptr);),
    DCP_ATTEMPT(fchmod, "a file", kRefused, return syscall(number, v.path, 0644);),
    DCP_ATTEMPT(fchmod, "what may be read", kRefused, return syscall(number, v.read, 0666);),
    DCP_ATTEMPT(fchmod, "a pipe that both hold", kRefused, return syscall(number, v.pipe, 0666);),
    DCP_ATTEMPT(close, "its own end", kOwn, return syscall(number, ::dup(v.path));),
    DCP_ATTEMPT(close_range, "its own", kOwn, return syscall(number, ~1U, ~0U, 0);),
    DCP_ATTEMPT(copy_file_range, "a file", kRefused,
                return syscall(number, v.path, nullptr, v.pipe, nullptr, 16, 0);),
    DCP_ATTEMPT(copy_file_range, "into what may be read", kRefused,
                return syscall(number, v.read, nullptr, v.read, nullptr, 16, 0);),
    DCP_ATTEMPT(dup, "a descriptor", kOwn,
                return ::close(static_cast<int>(syscall(number, v.path)));),
    DCP_ATTEMPT(dup2, "a descriptor", kOwn,
                return ::close(static_cast<int>(syscall(number, v.path, 99)));),
    DCP_ATTEMPT(dup3, "a descriptor", kOwn,
                return ::close(static_cast<int>(syscall(number, v.path, 99, 0)));),
    DCP_ATTEMPT(fadvise64, "a file", kRefused,
                return syscall(number, v.path, 0, 0, POSIX_FADV_DONTNEED);),
    DCP_ATTEMPT(fallocate, "a file", kRefused, return syscall(number, v.path, 0, 0, 1 << 20);),
    DCP_ATTEMPT(
        fallocate, "a hole into what may be read", kRefused,
        return syscall(number, v.read, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);),
    DCP_ATTEMPT(fchdir, "to a file", kRefused, return syscall(number, v.path);),
    DCP_ATTEMPT(fdatasync, "a file", kRefused, return syscall(number, v.path);),
    DCP_ATTEMPT(fsync, "a file", kRefused, return syscall(number, v.path);),
    DCP_ATTEMPT(syncfs, "a file's disk", kRefused, return syscall(number, v.path);),
    DCP_ATTEMPT(sync_file_range, "a file", kRefused, return syscall(number, v.path, 0, 0, 0);),
    DCP_ATTEMPT(fgetxattr, "a file", kRefused,
                return syscall(number, v.path, "user.x", buffer, sizeof buffer);),
    DCP_ATTEMPT(flistxattr, "a file", kRefused,
                return syscall(number, v.path, buffer, sizeof buffer);),
    DCP_ATTEMPT(flock, "a file", kRefused, return syscall(number, v.path, LOCK_EX | LOCK_NB);),
    DCP_ATTEMPT(fstat, "a file", kShown, struct stat info; return syscall(number, v.path, &info);),
    DCP_ATTEMPT(fstatfs, "a file's disk", kShown, return syscall(number, v.path, buffer);),
    DCP_ATTEMPT(ftruncate, "a file", kRefused, return syscall(number, v.path, 0);),
    DCP_ATTEMPT(ftruncate, "what may be read", kRefused, return syscall(number, v.read, 0);),
    DCP_ATTEMPT(getdents, "a folder", kRefused, const int fd = ::open(v.folder.c_str(), O_PATH);
                return syscall(number, fd, buffer, sizeof buffer);),
    DCP_ATTEMPT(getdents64, "a folder", kRefused, const int fd = ::open(v.folder.c_str(), O_PATH);
                return syscall(number, fd, buffer, sizeof buffer);),
    DCP_ATTEMPT(lseek, "a file", kRefused, return syscall(number, v.path, 0, SEEK_SET);),
    DCP_ATTEMPT(read, "a file", kRefused, return syscall(number, v.path, buffer, sizeof buffer);),
    DCP_ATTEMPT(readahead, "a file", kRefused, return syscall(number, v.path, 0, 4096);),
    DCP_ATTEMPT(readv, "a file", kRefused, return syscall(number, v.path, &vector, 1);),
    DCP_ATTEMPT(pread64, "a file", kRefused,
                return syscall(number, v.path, buffer, sizeof buffer, 0);),
    DCP_ATTEMPT(preadv, "a file", kRefused, return syscall(number, v.path, &vector, 1, 0, 0);),
    DCP_ATTEMPT(preadv2, "a file", kRefused, return syscall(number, v.path, &vector, 1, 0, 0, 0);),
    DCP_ATTEMPT(write, "what may be read", kRefused, return syscall(number, v.read, "x", 1);),
    DCP_ATTEMPT(writev, "what may be read", kRefused, return syscall(number, v.read, &vector, 1);),
    DCP_ATTEMPT(pwrite64, "what may be read", kRefused, return syscall(number, v.read, "x", 1, 0);),
    DCP_ATTEMPT(pwritev, "what may be read", kRefused,
                return syscall(number, v.read, &vector, 1, 0, 0);),
    DCP_ATTEMPT(pwritev2, "what may be read", kRefused,
                return syscall(number, v.read, &vector, 1, 0, 0, 0);),
    DCP_ATTEMPT(sendfile, "a file", kRefused, return syscall(number, v.pipe, v.path, nullptr, 16);),
    DCP_ATTEMPT(splice, "a file", kRefused,
                return syscall(number, v.path, nullptr, v.pipe, nullptr, 16, 0);),
    DCP_ATTEMPT(tee, "the victim's end of the pipe", kRefused, int own[2];
                return ::pipe(own) != 0 ? -1 : syscall(number, v.pipe, own[1], 16, 2);),
    DCP_ATTEMPT(vmsplice, "a file", kRefused, return syscall(number, v.path, &vector, 1, 0);),
    DCP_ATTEMPT(poll, "a file", kOwn, pollfd fd{v.path, POLLIN, 0};
                return syscall(number, &fd, 1, 0);),
    DCP_ATTEMPT(ppoll, "a file", kOwn, pollfd fd{v.path, POLLIN, 0}; timespec now = {};
                return syscall(number, &fd, 1, &now, nullptr, 8);),
    DCP_ATTEMPT(select, "a pipe", kOwn, fd_set set; FD_ZERO(&set); FD_SET(v.pipe, &set);
                timeval now = {};
                return syscall(number, v.pipe + 1, nullptr, &set, nullptr, &now);),
    DCP_ATTEMPT(pselect6, "a pipe", kOwn, fd_set set; FD_ZERO(&set); FD_SET(v.pipe, &set);
                timespec now = {};
                return syscall(number, v.pipe + 1, nullptr, &set, nullptr, &now, nullptr);),
    DCP_ATTEMPT(epoll_ctl, "a file", kRefused, epoll_event event = {};
                return syscall(number, ::epoll_create1(0), EPOLL_CTL_ADD, v.path, &event);),
    DCP_ATTEMPT(epoll_wait, "a descriptor", kRefused,
                return syscall(number, v.path, buffer, 1, 0);),
    DCP_ATTEMPT(epoll_pwait, "a descriptor", kRefused,
                return syscall(number, v.path, buffer, 1, 0, nullptr, 8);),
    DCP_ATTEMPT(epoll_pwait2, "a descriptor", kRefused, timespec now = {};
                return syscall(number, v.path, buffer, 1, &now, nullptr, 8);),
  };
  const std::vector<Attempt> controls = Controls();
  attempts.insert(attempts.end(), controls.begin(), controls.end());
  return attempts;
}

}  // namespace dcp::os::testing
