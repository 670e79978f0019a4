// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

#include "os/testing/attempts.h"

namespace dcp::os::testing {
namespace {

constexpr int kHere = AT_FDCWD;

/// Of the victim's entry in /proc.
std::string Proc(const Victim& v, const char* name) {
  return "/proc/" + std::to_string(v.pid) + "/" + name;
}

/// The first of these files about the victim that could be opened, and tells something when it is
/// opened to be read: some are judged only then.
template <size_t kCount>
long OpenAny(const Victim& v, const char* const (&names)[kCount], int flags) {
  for (const char* name : names) {
    const long fd = ::open(Proc(v, name).c_str(), flags);
    char byte = 0;
    if (fd >= 0 && (flags != O_RDONLY || ::read(static_cast<int>(fd), &byte, 1) > 0)) return fd;
  }
  return -1;
}

constexpr const char* kSecretsInProc[] = {"mem",   "environ", "maps",       "smaps", "pagemap",
                                          "stack", "auxv",    "fd/0",       "fd/1",  "map_files",
                                          "io",    "syscall", "personality"};
constexpr const char* kKnobsInProc[] = {
    "mem",          "oom_score_adj", "oom_adj", "comm",      "timerslack_ns", "coredump_filter",
    "clear_refs",   "attr/current",  "sched",   "setgroups", "autogroup",     "uid_map",
    "make-it-fail", "loginuid",      "fd/0",    "fd/1"};

std::string Beside(const Victim& v, const char* name) { return v.folder + "/" + name; }

}  // namespace

std::vector<Attempt> AttemptsOnFiles() {
  return {
    DCP_ATTEMPT(open, "to read", kRefused, return syscall(number, v.file.c_str(), O_RDONLY);),
        DCP_ATTEMPT(open, "to write", kRefused, return syscall(number, v.file.c_str(), O_WRONLY);),
        DCP_ATTEMPT(open, "for nothing, to lock it", kRefused,
                    return syscall(number, v.file.c_str(), 3);),
        DCP_ATTEMPT(open, "for a name alone", kShown,
                    return syscall(number, v.file.c_str(), O_PATH);),
        DCP_ATTEMPT(open, "to truncate what may be read", kRefused,
                    return syscall(number, v.readable.c_str(), O_RDONLY | O_TRUNC);),
        DCP_ATTEMPT(open, "for nothing, what may be read", kRefused,
                    return syscall(number, v.readable.c_str(), 3);),
        DCP_ATTEMPT(openat, "to read and write", kRefused,
                    return syscall(number, kHere, v.file.c_str(), O_RDWR);),
        DCP_ATTEMPT(openat, "to append", kRefused,
                    return syscall(number, kHere, v.file.c_str(), O_WRONLY | O_APPEND);),
        DCP_ATTEMPT(openat, "for nothing, to truncate it", kRefused,
                    return syscall(number, kHere, v.file.c_str(), 3 | O_TRUNC);),
        DCP_ATTEMPT(openat, "to truncate what may be read", kRefused,
                    return syscall(number, kHere, v.readable.c_str(), O_RDONLY | O_TRUNC);),
        DCP_ATTEMPT(openat, "to truncate and write what may be read", kRefused,
                    return syscall(number, kHere, v.readable.c_str(), O_WRONLY | O_TRUNC);),
        DCP_ATTEMPT(openat, "a folder", kRefused,
                    return syscall(number, kHere, v.folder.c_str(), O_RDONLY | O_DIRECTORY);),
        DCP_ATTEMPT(openat, "a new file without a name", kRefused,
                    return syscall(number, kHere, v.folder.c_str(), O_TMPFILE | O_RDWR, 0600);),
        DCP_ATTEMPT(openat, "by the descriptor of a name", kRefused,
                    const std::string own = "/proc/self/fd/" + std::to_string(v.path);
                    return syscall(number, kHere, own.c_str(), O_RDONLY);),
        DCP_ATTEMPT(openat, "what /proc keeps for its owner", kRefused,
                    return OpenAny(v, kSecretsInProc, O_RDONLY);),
        DCP_ATTEMPT(openat, "its root, in /proc", kRefused,
                    return ::open(Proc(v, ("root" + v.file).c_str()).c_str(), O_RDONLY);),
        DCP_ATTEMPT(openat, "its settings in /proc", kRefused,
                    return OpenAny(v, kKnobsInProc, O_WRONLY);),
        DCP_ATTEMPT(
            openat, "settings of the kernel", kRefused,
            for (const char* path
                 : {"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
                    "/sys/kernel/uevent_helper", "/sys/power/state"}) {
              const long fd = ::open(path, O_WRONLY);
              if (fd >= 0) return fd;
            } return -1;),
        DCP_ATTEMPT(creat, "over a file", kRefused, return syscall(number, v.file.c_str(), 0600);),
        DCP_ATTEMPT(creat, "over what may be read", kRefused,
                    return syscall(number, v.readable.c_str(), 0600);),
        DCP_ATTEMPT(truncate, "a file", kRefused, return syscall(number, v.file.c_str(), 0);),
        DCP_ATTEMPT(truncate, "what may be read", kRefused,
                    return syscall(number, v.readable.c_str(), 0);),
        DCP_ATTEMPT(link, "a file", kRefused,
                    return syscall(number, v.file.c_str(), Beside(v, "new").c_str());),
        DCP_ATTEMPT(
            linkat, "a descriptor of a name", kRefused,
            return syscall(number, v.path, "", kHere, Beside(v, "new").c_str(), AT_EMPTY_PATH);),
        DCP_ATTEMPT(mkdir, "a folder", kRefused,
                    return syscall(number, Beside(v, "new").c_str(), 0700);),
        DCP_ATTEMPT(mkdirat, "a folder", kRefused,
                    return syscall(number, kHere, Beside(v, "new").c_str(), 0700);),
        DCP_ATTEMPT(rename, "a file", kRefused,
                    return syscall(number, v.file.c_str(), Beside(v, "new").c_str());),
        DCP_ATTEMPT(
            renameat, "a file", kRefused,
            return syscall(number, kHere, v.file.c_str(), kHere, Beside(v, "new").c_str());),
        DCP_ATTEMPT(renameat2, "two files", kRefused,
                    return syscall(number, kHere, v.file.c_str(), kHere, v.readable.c_str(), 2);),
        DCP_ATTEMPT(rmdir, "a folder", kRefused,
                    return syscall(number, Beside(v, "empty").c_str());),
        DCP_ATTEMPT(symlink, "into a folder", kRefused,
                    return syscall(number, "x", Beside(v, "new").c_str());),
        DCP_ATTEMPT(symlinkat, "into a folder", kRefused,
                    return syscall(number, "x", kHere, Beside(v, "new").c_str());),
        DCP_ATTEMPT(unlink, "a file", kRefused, return syscall(number, v.file.c_str());),
        DCP_ATTEMPT(unlinkat, "a file", kRefused,
                    return syscall(number, kHere, v.file.c_str(), 0);),
        DCP_ATTEMPT(unlinkat, "a folder", kRefused,
                    return syscall(number, kHere, Beside(v, "empty").c_str(), AT_REMOVEDIR);),
        DCP_ATTEMPT(chmod, "a file", kRefused, return syscall(number, v.file.c_str(), 0644);),
        DCP_ATTEMPT(chmod, "a folder", kRefused, return syscall(number, v.folder.c_str(), 0777);),
        DCP_ATTEMPT(chmod, "what may be read", kRefused,
                    return syscall(number, v.readable.c_str(), 0666);),
        DCP_ATTEMPT(fchmodat, "a file", kRefused,
                    return syscall(number, kHere, v.file.c_str(), 0644);),
        DCP_ATTEMPT(fchmodat2, "a descriptor of a name", kRefused,
                    return syscall(number, v.path, "", 0644, AT_EMPTY_PATH);),
        DCP_ATTEMPT(futimesat, "a file", kRefused,
                    return syscall(number, kHere, v.file.c_str(), nullptr);),
        DCP_ATTEMPT(utime, "a file", kRefused, return syscall(number, v.file.c_str(), nullptr);),
        DCP_ATTEMPT(utimes, "a file", kRefused, return syscall(number, v.file.c_str(), nullptr);),
        DCP_ATTEMPT(utimensat, "a file", kRefused,
                    return syscall(number, kHere, v.file.c_str(), nullptr, 0);),
        DCP_ATTEMPT(utimensat, "what may be read, by a descriptor", kRefused,
                    return syscall(number, v.read, nullptr, nullptr, 0);),
        DCP_ATTEMPT(access, "a file", kShown, return syscall(number, v.file.c_str(), R_OK);),
        DCP_ATTEMPT(faccessat, "a file", kShown,
                    return syscall(number, kHere, v.file.c_str(), R_OK);),
        DCP_ATTEMPT(faccessat2, "a file", kShown,
                    return syscall(number, kHere, v.file.c_str(), R_OK, 0);),
        DCP_ATTEMPT(chdir, "into a folder, which tells nothing of its files", kShown,
                    const long result = syscall(number, v.folder.c_str());
                    return ::chdir("/") == 0 ? result : -1;),
        DCP_ATTEMPT(chdir, "into its working folder", kRefused,
                    return syscall(number, Proc(v, "cwd").c_str());),
        DCP_ATTEMPT(stat, "a file", kShown, struct stat info;
                    return syscall(number, v.file.c_str(), &info);),
        DCP_ATTEMPT(lstat, "a file", kShown, struct stat info;
                    return syscall(number, v.file.c_str(), &info);),
        DCP_ATTEMPT(newfstatat, "a file", kShown, struct stat info;
                    return syscall(number, kHere, v.file.c_str(), &info, 0);),
        DCP_ATTEMPT(statx, "a file", kShown, struct statx info;
                    return syscall(number, kHere, v.file.c_str(), 0, STATX_ALL, &info);),
        DCP_ATTEMPT(statfs, "a file's disk", kShown, char info[512];
                    return syscall(number, v.file.c_str(), info);),
        DCP_ATTEMPT(readlink, "a link", kShown, char text[512];
                    return syscall(number, Beside(v, "link").c_str(), text, sizeof text);),
        DCP_ATTEMPT(readlink, "its descriptors", kRefused, char text[512];
                    return syscall(number, Proc(v, "fd/0").c_str(), text, sizeof text);),
        DCP_ATTEMPT(readlinkat, "a link", kShown, char text[512];
                    return syscall(number, kHere, Beside(v, "link").c_str(), text, sizeof text);),
        DCP_ATTEMPT(readlinkat, "its program", kRefused, char text[512];
                    return syscall(number, kHere, Proc(v, "exe").c_str(), text, sizeof text);),
        DCP_ATTEMPT(execve, "a program", kRefused, char* const none[] = {nullptr};
                    return syscall(number, Beside(v, "program").c_str(), none, none);),
        DCP_ATTEMPT(execveat, "a descriptor of a program's name", kRefused,
                    char* const none[] = {nullptr};
                    const int fd = ::open(Beside(v, "program").c_str(), O_PATH);
                    return syscall(number, fd, "", none, none, AT_EMPTY_PATH);),
  };
}

}  // namespace dcp::os::testing
