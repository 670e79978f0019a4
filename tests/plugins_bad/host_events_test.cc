// SPDX-License-Identifier: Apache-2.0
//
// DATA events: all of them, in order, and no faster than they are taken. The same in a worker and
// in the host's own process.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "host/frame.h"
#include "host_fixture.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kPatienceMs = 30'000;

size_t ResidentBytes(int64_t pid) {
  std::ifstream file("/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/statm");
  size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// Takes numbered events, and may be held up at the first.
class Taker {
 public:
  CallOptions Options() {
    CallOptions options;
    options.cancelled = [this] { return cancelled.load(); };
    options.on_data = [this](const std::string& event) {
      std::unique_lock lock(mutex_);
      size_t number = 0;
      ASSERT_GE(event.size(), sizeof(number));
      std::memcpy(&number, event.data(), sizeof(number));
      in_order_ = in_order_ && number == taken_;
      ++taken_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    };
    return options;
  }
  void Close() { open_ = false; }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void WaitForFirst() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return taken_ > 0; });
  }
  size_t taken() const { return taken_; }
  bool in_order() const { return in_order_; }

  std::atomic<bool> cancelled{false};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool in_order_ = true;
  size_t taken_ = 0;
};

class HostEventsTest : public HostFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  void TearDown() override {
    HostFixture::TearDown();
    host_.reset();
    fs::remove_all(settings_.store_directory);
  }
  /// "bad" where the parameter says.
  void StartIt(const std::string& plugin) {
    settings_.store_directory = ::testing::TempDir() + "/dcp_events_" + std::to_string(getpid());
    Start(plugin);
    settings_.instances[1].isolation = GetParam();
    const auto reloaded = host_->Reload(settings_, nullptr);
    ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  }
  Result<std::string> Stream(size_t events, size_t bytes, const CallOptions& options) {
    const std::string request =
        R"({"sql":")" + std::to_string(events) + " " + std::to_string(bytes) + R"("})";
    return host_->Call("bad", "test_backend", "Analyze", request, options);
  }
};

TEST_P(HostEventsTest, ASlowReaderLosesNothingAndHoldsLittle) {
  constexpr size_t kEvents = 4000;
  constexpr size_t kBytes = 16 << 10;
  StartIt("streams");
  const int64_t pid = StateOf("bad").pid;
  ASSERT_TRUE(Stream(100, kBytes, Taker().Options()).ok());
  const size_t here = ResidentBytes(0);
  const size_t there = pid == 0 ? 0 : ResidentBytes(pid);
  Taker taker;
  taker.Close();
  Result<std::string> reply = Internal("none");
  std::thread call([&] { reply = Stream(kEvents, kBytes, taker.Options()); });
  taker.WaitForFirst();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  constexpr size_t kLittle = size_t{8} << 20;  // beside the window, the heap's own ways
  EXPECT_LT(ResidentBytes(0), here + kLittle);
  if (pid != 0) {
    EXPECT_LT(ResidentBytes(pid), there + kLittle);
  }
  EXPECT_EQ(taker.taken(), 1U);
  taker.Open();
  call.join();
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(Json::parse(*reply)["engine"], std::to_string(kEvents));
  EXPECT_EQ(taker.taken(), kEvents);
  EXPECT_TRUE(taker.in_order());
}

TEST_P(HostEventsTest, ACallThatIsCancelledWhileItIsBlockedEnds) {
  StartIt("streams");
  Taker taker;
  taker.Close();
  Status status;
  std::thread call([&] { status = Stream(100'000, 1000, taker.Options()).status(); });
  taker.WaitForFirst();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  taker.cancelled = true;
  const SteadyMillis begin = SystemClock().Steady();
  taker.Open();
  call.join();
  EXPECT_EQ(status.code(), Code::kCancelled) << status.ToString();
  EXPECT_LT(SystemClock().Steady() - begin, settings_.cancel_grace_ms);
  EXPECT_LT(taker.taken(), 100'000U);
  EXPECT_TRUE(taker.in_order());
  EXPECT_EQ(StateOf("bad").restarts, 0);
  ExpectDescribes("Base");
}

TEST_P(HostEventsTest, ADeadlineEndsAnEmitThatIsBlocked) {
  StartIt("streams");
  Taker taker;
  taker.Close();
  CallOptions options = taker.Options();
  options.deadline = SystemClock().Steady() + 100;
  Status status;
  std::thread call([&] { status = Stream(100'000, 1000, options).status(); });
  taker.WaitForFirst();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  taker.Open();
  call.join();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded) << status.ToString();
  ExpectDescribes("Base");
  EXPECT_EQ(StateOf("bad").restarts, 0);
}

TEST_P(HostEventsTest, OneThatIsBlockedDoesNotBlockOthers) {
  StartIt("streams");
  Taker taker;
  taker.Close();
  Result<std::string> reply = Internal("none");
  std::thread call([&] { reply = Stream(5000, 1000, taker.Options()); });
  taker.WaitForFirst();
  for (int i = 0; i < 20; ++i) {
    ExpectDescribes("Base");
    Taker other;
    CallOptions options = other.Options();
    options.deadline = SystemClock().Steady() + kPatienceMs;
    const auto beside = Stream(2000, 1000, options);
    ASSERT_TRUE(beside.ok()) << beside.status().ToString();
    EXPECT_EQ(other.taken(), 2000U);
    EXPECT_TRUE(other.in_order());
  }
  EXPECT_EQ(taker.taken(), 1U);
  taker.Open();
  call.join();
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(taker.taken(), 5000U);
  EXPECT_TRUE(taker.in_order());
}

TEST_P(HostEventsTest, AGigabyteIsBoundedAtBothEnds) {
  constexpr size_t kEvents = size_t{16} << 10;
  constexpr size_t kBytes = size_t{64} << 10;
  StartIt("streams");
  const int64_t pid = StateOf("bad").pid;
  ASSERT_TRUE(Stream(100, kBytes, Taker().Options()).ok());
  const size_t here = ResidentBytes(0);
  const size_t there = pid == 0 ? 0 : ResidentBytes(pid);
  size_t most_here = 0;
  size_t most_there = 0;
  size_t bytes = 0;
  CallOptions options;
  options.on_data = [&](const std::string& event) {
    bytes += event.size();
    if (bytes % 64 != 0) return;  // now and then
    most_here = std::max(most_here, ResidentBytes(0));
    if (pid != 0) most_there = std::max(most_there, ResidentBytes(pid));
  };
  const auto reply = Stream(kEvents, kBytes, options);
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(bytes, kEvents * (kBytes + sizeof(size_t)));
#ifdef __SANITIZE_ADDRESS__
  constexpr size_t kLittle = size_t{640} << 20;  // it holds back 256 MiB of what was freed
#else
  constexpr size_t kLittle = size_t{16} << 20;
#endif
  EXPECT_LT(most_here, here + kLittle);
  EXPECT_LT(most_there, there + kLittle);
}

TEST_P(HostEventsTest, EventsLargerThanTheWindowPassOneByOne) {
  StartIt("streams");
  Taker taker;
  const auto reply = Stream(5, 3 * kEventWindowBytes, taker.Options());
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(taker.taken(), 5U);
  EXPECT_TRUE(taker.in_order());
}

TEST_P(HostEventsTest, ACallThatTakesNoDataRefusesIt) {
  StartIt("streams");
  const Status status = Stream(5, 10, {}).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("event 0 was not taken"));
}

INSTANTIATE_TEST_SUITE_P(Isolation, HostEventsTest,
                         ::testing::Values(kIsolationWorker, kIsolationInProcess),
                         [](const auto& each) { return std::string(each.param); });

class WorkerEventsTest : public HostFixture {};

TEST_F(WorkerEventsTest, AWorkerThatDiesWhileItIsBlockedIsAnAnswer) {
  Start("streams");
  Taker taker;
  taker.Close();
  Status status;
  std::thread call([&] {
    status =
        host_->Call("bad", "test_backend", "Analyze", R"({"sql":"100000 1000"})", taker.Options())
            .status();
  });
  taker.WaitForFirst();
  ASSERT_EQ(kill(static_cast<pid_t>(StateOf("bad").pid), SIGKILL), 0);
  while (StateOf("bad").restarts == 0) std::this_thread::yield();
  taker.Open();
  call.join();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
  EXPECT_TRUE(taker.in_order());
  ExpectDescribes("Base");
}

}  // namespace
}  // namespace dcp::host
