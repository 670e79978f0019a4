// SPDX-License-Identifier: Apache-2.0
//
// No way to more memory than the limit allows, whatever kind it is of.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "os/sandbox.h"

namespace dcp::os {
namespace {

constexpr size_t kLimit = size_t{256} << 20;
constexpr size_t kAsked = size_t{512} << 20;
constexpr int kBoth = PROT_READ | PROT_WRITE;

bool Maps(int protection, int flags, int fd = -1) {
  return mmap(nullptr, kAsked, protection, flags, fd, 0) != MAP_FAILED;
}

bool MapsFileOfMemory() {
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "x", 0));
  return fd >= 0 && ftruncate(fd, kAsked) == 0 && Maps(kBoth, MAP_SHARED, fd);
}

bool MapsSharedFolder() {
  const int fd = open("/dev/shm/dcp_sandbox_memory", O_CREAT | O_RDWR, 0600);
  unlink("/dev/shm/dcp_sandbox_memory");
  return fd >= 0;
}

bool MapsZeros() {
  const int fd = open("/dev/zero", O_RDWR);
  return fd >= 0 && Maps(kBoth, MAP_SHARED, fd);
}

bool TurnsWritable(int flags) {
  void* const at = mmap(nullptr, kAsked, PROT_READ, flags, -1, 0);
  return at != MAP_FAILED && mprotect(at, kAsked, kBoth) == 0;
}

bool Grows() {
  void* const at = mmap(nullptr, 4096, kBoth, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at != MAP_FAILED && mremap(at, 4096, kAsked, MREMAP_MAYMOVE) != MAP_FAILED;
}

bool SharesByKey() { return shmget(IPC_PRIVATE, kAsked, IPC_CREAT | 0600) >= 0; }

bool RaisesTheLimit() {
  const rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_DATA, &more) == 0;
}

struct Way {
  const char* name;
  bool (*act)();
};

const Way kWays[] = {
    {"private", [] { return Maps(kBoth, MAP_PRIVATE | MAP_ANONYMOUS); }},
    {"shared", [] { return Maps(kBoth, MAP_SHARED | MAP_ANONYMOUS); }},
    {"shared, validated", [] { return Maps(kBoth, MAP_SHARED_VALIDATE | MAP_ANONYMOUS); }},
    {"shared, to be read", [] { return Maps(PROT_READ, MAP_SHARED | MAP_ANONYMOUS); }},
    {"like a stack", [] { return Maps(kBoth, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN); }},
    {"droppable", [] { return Maps(kBoth, 8 | MAP_ANONYMOUS); }},
    {"a file of memory", MapsFileOfMemory},
    {"the shared folder", MapsSharedFolder},
    {"zeros", MapsZeros},
    {"private, made writable", [] { return TurnsWritable(MAP_PRIVATE | MAP_ANONYMOUS); }},
    {"shared, made writable", [] { return TurnsWritable(MAP_SHARED | MAP_ANONYMOUS); }},
    {"grown", Grows},
    {"by key", SharesByKey},
    {"the heap", [] { return sbrk(kAsked) != reinterpret_cast<void*>(-1); }},
    {"the limit itself", RaisesTheLimit},
};

/// The first way that leads to memory; empty when none does.
std::string FirstWay(bool confined) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    SandboxPolicy policy;
    policy.private_memory = true;
    const rlimit limit = {kLimit, kLimit};
    if (setrlimit(RLIMIT_DATA, &limit) != 0 || (confined && !EnterSandbox(policy).ok())) _exit(1);
    for (const Way& way : kWays) {
      if (!way.act()) continue;
      (void)!write(ends[1], way.name, strlen(way.name));
      break;
    }
    _exit(0);
  }
  close(ends[1]);
  char name[64] = {};
  (void)!read(ends[0], name, sizeof name - 1);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? name : "the child failed";
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr char kWhySkipped[] = "a sanitizer itself maps more than the limit";

TEST(SandboxMemoryTest, TheLimitOfPrivateMemoryHoldsForAllKinds) {
  if (kSanitized) GTEST_SKIP() << kWhySkipped;
  EXPECT_EQ(FirstWay(true), "");
}

TEST(SandboxMemoryTest, WithoutTheSandboxItDoesNot) {
  if (kSanitized) GTEST_SKIP() << kWhySkipped;
  EXPECT_EQ(FirstWay(false), "shared");
}

}  // namespace
}  // namespace dcp::os
