/* SPDX-License-Identifier: Apache-2.0
 *
 * Tries what no plugin has any business with, and answers with what came of each: "ok" or an errno.
 * The configuration names a secret file: {"secret":"/path"}.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"

static char secret[512];

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  const char key[] = "\"secret\":\"";
  const char *found = memmem(config.data, config.size, key, sizeof key - 1);
  if (found != NULL) {
    const char *begin = found + sizeof key - 1;
    const char *end = memchr(begin, '"', config.size - (size_t)(begin - (const char *)config.data));
    if (end != NULL && (size_t)(end - begin) < sizeof secret) {
      memcpy(secret, begin, (size_t)(end - begin));
    }
  }
  return BaseCreate(host, config, out);
}

static int CloseIf(int fd) {
  if (fd >= 0) close(fd);
  return fd;
}
static int ReadSecret(void) { return CloseIf(open(secret, O_RDONLY)); }
static int ReadLibrary(void) { return CloseIf(open("/usr/lib/os-release", O_RDONLY)); }
static int WriteTmp(void) {
  const int fd = CloseIf(open("/tmp/dcp_reaches_out", O_CREAT | O_WRONLY, 0600));
  if (fd >= 0) unlink("/tmp/dcp_reaches_out");
  return fd;
}
static int Connect(void) { return CloseIf(socket(AF_INET, SOCK_STREAM, 0)); }
/* At whatever port. */
static int Listen(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int result = fd < 0 ? fd : listen(fd, 1);
  const int error = errno;
  CloseIf(fd);
  errno = error;
  return result;
}
static int ListenAtAPort(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(20001)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int result = fd < 0 ? fd : bind(fd, (const struct sockaddr *)&at, sizeof at);
  const int error = errno;
  CloseIf(fd);
  errno = error;
  return result;
}
static int SharePort(void) {
  const int on = 1;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int result = fd < 0 ? fd : setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const int error = errno;
  CloseIf(fd);
  errno = error;
  return result;
}
static int UnixSocket(void) { return CloseIf(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int Fork(void) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child < 0 ? -1 : waitpid(child, NULL, 0);
}
static int Exec(void) {
  char *const none[] = {NULL};
  return execve("/does/not/exist", none, none);
}
static int SignalParent(void) { return kill(getppid(), 0); }
static int SignalSelf(void) { return kill(getpid(), 0); }
/* A parent that we trace stops until we let it go; so only whether the call is there at all. */
static int Trace(void) { return (int)ptrace(PTRACE_PEEKDATA, getppid(), NULL, NULL); }
static int Namespace(void) { return (int)syscall(SYS_unshare, 0); }
static int Keys(void) { return (int)syscall(SYS_keyctl, 0, -3, 0); }
static int Bpf(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }
static int Chmod(void) { return chmod(secret, 0644); }
static int Times(void) { return utimensat(AT_FDCWD, secret, NULL, 0); }
static int Truncate(void) { return truncate(secret, 0); }
static int OpenForNothing(void) { return CloseIf(open(secret, 3 | O_TRUNC)); }
/* The same limit again: as good as none. */
static int LimitParent(void) {
  struct rlimit limit;
  if (prlimit(getppid(), RLIMIT_FSIZE, NULL, &limit) != 0) return -1;
  return prlimit(getppid(), RLIMIT_FSIZE, &limit, NULL);
}
static int MoveParent(void) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return -1;
  return sched_setaffinity(getppid(), sizeof all, &all);
}
static int KernelSignals(void) { return fcntl(1, F_SETOWN, getppid()); }
static int OutliveParent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }
static int Watch(void) { return CloseIf(inotify_init1(0)); }
static int SharedMemory(void) {
  void *const got = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return -1;
  return munmap(got, (size_t)1 << 30);
}
static int MemoryFile(void) { return CloseIf(memfd_create("x", 0)); }
static int Datagrams(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return -1;
  close(ends[0]);
  return close(ends[1]);
}
static int Streams(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
  close(ends[0]);
  return close(ends[1]);
}
static int Memory(void) {
  void *const got = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return -1;
  return munmap(got, (size_t)1 << 30);
}
/* RLIMIT_DATA does not count the first thread's stack. */
static int RaiseStack(void) {
  struct rlimit before;
  if (getrlimit(RLIMIT_STACK, &before) != 0) return -1;
  const struct rlimit more = {before.rlim_cur, (rlim_t)1 << 40};
  if (before.rlim_max == RLIM_INFINITY || before.rlim_max > more.rlim_max) return 0;
  return setrlimit(RLIMIT_STACK, &more);
}
static int Files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  return (int)limit.rlim_max;
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  static const struct {
    const char *name;
    int (*act)(void);
  } acts[] = {{"read_secret", ReadSecret}, {"read_library", ReadLibrary}, {"write_tmp", WriteTmp},
              {"connect", Connect},        {"unix_socket", UnixSocket},   {"fork", Fork},
              {"exec", Exec},              {"signal_parent", SignalParent}, {"signal_self", SignalSelf},
              {"trace", Trace},            {"namespace", Namespace},      {"keys", Keys},
              {"bpf", Bpf},                {"chmod", Chmod},              {"raise_stack", RaiseStack}, {"memory", Memory},
              {"times", Times},            {"truncate", Truncate},        {"open_for_nothing", OpenForNothing},
              {"limit_parent", LimitParent}, {"move_parent", MoveParent}, {"kernel_signals", KernelSignals},
              {"outlive_parent", OutliveParent}, {"watch", Watch},        {"shared_memory", SharedMemory},
              {"memory_file", MemoryFile}, {"datagrams", Datagrams},      {"streams", Streams},
              {"listen", Listen},          {"listen_at_a_port", ListenAtAPort}, {"share_port", SharePort}};
  char text[2048];
  size_t used = 0;
  (void)request;
  if (!Is(method, "Describe")) return DCP_UNIMPLEMENTED;
  used += (size_t)snprintf(text, sizeof text, "{\"kinds\":[");
  for (size_t i = 0; i < sizeof acts / sizeof acts[0]; ++i) {
    errno = 0;
    const int result = acts[i].act();
    used += (size_t)snprintf(text + used, sizeof text - used, "\"%s=%s\",", acts[i].name,
                             result >= 0 ? "ok" : strerrorname_np(errno));
  }
  used += (size_t)snprintf(text + used, sizeof text - used, "\"files=%d\"]}", Files());
  const dcp_bytes body = {(const uint8_t *)text, used};
  self->host->complete(call, DCP_OK, body);
  return DCP_OK;
}

TEST_PLUGIN(table.create = Create; table.invoke = Invoke)
