// SPDX-License-Identifier: Apache-2.0
//
// The SDK's runtime through the C ABI alone, as a host drives it: a fake host table counts what
// comes back.
#include <dcp/sdk/plugin.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "runtime_test_host.h"

extern "C" {
extern const unsigned char dcp_manifest_data[];
const unsigned char dcp_manifest_data[] = {'{', '}'};
extern const size_t dcp_manifest_size;
const size_t dcp_manifest_size = 2;
}

namespace {

using dcp::sdk_test::FakeHost;
using dcp::sdk_test::Gate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Gate* gate = nullptr;
std::atomic<int> alive{0};
std::atomic<int> drained{0};

class Sample : public dcp::sdk::Instance {
 public:
  static constexpr int kThreads = 2;

  Sample() { ++alive; }
  ~Sample() override { --alive; }
  void Drain() override {
    ++drained;
    throw std::runtime_error("thrown in Drain");
  }

  static dcp::sdk::Outcome<std::unique_ptr<Sample>> Create(std::string_view config) {
    if (config == "throw") throw std::runtime_error("thrown in Create");
    if (config == "odd") throw 7;  // NOLINT: what an author might do
    if (config != "{}") {
      return dcp::sdk::Error{
          .code = DCP_INVALID_ARGUMENT, .message = "colour is not known", .hint = "use red"};
    }
    return std::make_unique<Sample>();
  }

  dcp::sdk::Outcome<std::string> Invoke(std::string_view method, std::string_view request,
                                        dcp::sdk::Call& call) override {
    if (method == "Echo") return std::string(request);
    if (method == "Hold") {
      gate->Pass();
      return std::string("held");
    }
    if (method == "Throw") throw std::runtime_error("boom");
    if (method == "ThrowInt") throw 7;  // NOLINT: what an author might do
    if (method == "Remaining") return std::to_string(call.RemainingMs(-1));
    if (method == "Progress") {
      call.Progress("half");
      return std::string(call.Emit("one") ? "go on" : "stop");
    }
    if (method == "Wait") return Wait(call);
    return dcp::sdk::Error{.code = DCP_UNIMPLEMENTED,
                           .message = "no method \"" + std::string(method) + "\"",
                           .hint = "see Describe",
                           .id = "PZ0001",
                           .file = "a.yaml",
                           .line = 3,
                           .column = 9};
  }

 private:
  static dcp::sdk::Outcome<std::string> Wait(dcp::sdk::Call& call) {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
    call.OnCancel([&] {
      const std::lock_guard lock(mutex);
      woken = true;
      changed.notify_all();
    });
    call.Progress("waiting");
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return woken; });
    }
    call.OnCancel({});
    return dcp::sdk::Error{.code = DCP_CANCELLED, .message = "stopped as asked"};
  }
};

// The least that a class must have.
class Plain : public dcp::sdk::Instance {
 public:
  static dcp::sdk::Outcome<std::unique_ptr<Plain>> Create(std::string_view) {
    return std::make_unique<Plain>();
  }
  dcp::sdk::Outcome<std::string> Invoke(std::string_view, std::string_view,
                                        dcp::sdk::Call&) override {
    return std::string();
  }
};

// The same class as Sample with a wire form of its own for errors.
class Terse : public Sample {
 public:
  static constexpr int kThreads = 1;
  static std::string EncodeError(const dcp::sdk::Error& error) { return "E:" + error.message; }
  static dcp::sdk::Outcome<std::unique_ptr<Terse>> Create(std::string_view) {
    return std::make_unique<Terse>();
  }
};

// With a host of each minor: the parameter.
class RuntimeTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    gate = &gate_;
    drained = 0;
  }

  dcp_instance* Create(const dcp_plugin_api* table) {
    dcp_instance* self = nullptr;
    EXPECT_EQ(table->create(&host_.api, dcp::sdk::View("{}"), &self), DCP_OK) << host_.host.error;
    return self;
  }
  static dcp_code Invoke(const dcp_plugin_api* table, dcp_instance* self, dcp_call& call,
                         std::string_view method, std::string_view request = "") {
    return table->invoke(self, &call, dcp::sdk::View(method), dcp::sdk::View(request));
  }

  FakeHost host_{GetParam()};
  Gate gate_;
  const dcp_plugin_api* table_ = dcp::sdk::Runtime::Table<Sample>();
};

TEST_P(RuntimeTest, TableIsCompleteAndAlwaysTheSame) {
  EXPECT_EQ(table_, dcp::sdk::Runtime::Table<Sample>());
  EXPECT_EQ(table_->struct_size, DCP_SIZE(dcp_plugin_api, drain));
  EXPECT_EQ(table_->abi_minor, 1u);
  EXPECT_EQ(table_->min_host_minor, 0u);
  EXPECT_EQ(table_->flags, DCP_FLAG_PARALLEL);
  EXPECT_EQ(dcp::sdk::Text(table_->descriptor), "{}");
  EXPECT_EQ(table_->extension("dcp.anything/1"), nullptr);
}

TEST_P(RuntimeTest, ValidateDropsTheObjectItMakes) {
  EXPECT_EQ(table_->validate(&host_.api, dcp::sdk::View("{}")), DCP_OK);
  EXPECT_EQ(alive, 0);
}

TEST_P(RuntimeTest, FailedCreateSaysWhy) {
  dcp_instance* self = nullptr;
  EXPECT_EQ(table_->create(&host_.api, dcp::sdk::View("x"), &self), DCP_INVALID_ARGUMENT);
  EXPECT_EQ(host_.host.error, "colour is not known (hint: use red)");
  EXPECT_EQ(table_->create(&host_.api, dcp::sdk::View("throw"), &self), DCP_INTERNAL);
  EXPECT_EQ(host_.host.error, "thrown in Create");
  EXPECT_EQ(table_->validate(&host_.api, dcp::sdk::View("odd")), DCP_INTERNAL);
  EXPECT_THAT(host_.host.error, HasSubstr("threw"));
  EXPECT_EQ(self, nullptr);
}

TEST_P(RuntimeTest, AnswersACallAndEndsCleanly) {
  dcp_instance* self = Create(table_);
  dcp_call call;
  ASSERT_EQ(Invoke(table_, self, call, "Echo", "hello"), DCP_OK);
  call.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(call.code, DCP_OK);
  EXPECT_EQ(call.body, "hello");
  EXPECT_EQ(call.completions, 1);
  EXPECT_EQ(alive, 0);
}

TEST_P(RuntimeTest, ErrorsBecomeTheContractsJson) {
  dcp_instance* self = Create(table_);
  dcp_call call;
  ASSERT_EQ(Invoke(table_, self, call, "Nope"), DCP_OK);
  call.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(call.code, DCP_UNIMPLEMENTED);
  const auto json = nlohmann::json::parse(call.body);
  EXPECT_EQ(json["id"], "PZ0001");
  EXPECT_EQ(json["message"], "no method \"Nope\"");
  EXPECT_EQ(json["hint"], "see Describe");
  EXPECT_EQ(json["location"], (nlohmann::json{{"file", "a.yaml"}, {"line", 3}, {"column", 9}}));
}

TEST_P(RuntimeTest, NothingThrownLeavesThePlugin) {
  dcp_instance* self = Create(table_);
  dcp_call first;
  dcp_call second;
  ASSERT_EQ(Invoke(table_, self, first, "Throw"), DCP_OK);
  ASSERT_EQ(Invoke(table_, self, second, "ThrowInt"), DCP_OK);
  first.WaitDone();
  second.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(first.code, DCP_INTERNAL);
  EXPECT_THAT(first.body, HasSubstr("boom"));
  EXPECT_EQ(second.code, DCP_INTERNAL);
}

TEST_P(RuntimeTest, CancelWakesAWaitingCall) {
  dcp_instance* self = Create(table_);
  dcp_call call;
  ASSERT_EQ(Invoke(table_, self, call, "Wait"), DCP_OK);
  call.WaitEvents(1);
  call.cancelled = 1;
  table_->cancel(self, &call);
  call.WaitDone();
  table_->cancel(self, &call);  // late: harmless
  table_->destroy(self);
  EXPECT_EQ(call.code, DCP_CANCELLED);
  EXPECT_EQ(call.completions, 1);
}

TEST_P(RuntimeTest, CallsBeyondTheThreadsWaitAndCanBeCancelledThere) {
  dcp_instance* self = Create(table_);
  dcp_call held[2];
  for (dcp_call& call : held) ASSERT_EQ(Invoke(table_, self, call, "Hold"), DCP_OK);
  gate_.WaitInside(2);  // both threads are taken, so calls run in parallel
  dcp_call waiting;
  ASSERT_EQ(Invoke(table_, self, waiting, "Echo", "x"), DCP_OK);
  waiting.cancelled = 1;
  table_->cancel(self, &waiting);
  waiting.WaitDone();  // although no thread is free
  EXPECT_EQ(waiting.code, DCP_CANCELLED);
  gate_.Open();
  for (dcp_call& call : held) call.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(waiting.completions, 1);
}

TEST_P(RuntimeTest, TheQueueIsBounded) {
  dcp_instance* self = Create(table_);
  dcp_call held[2];
  for (dcp_call& call : held) ASSERT_EQ(Invoke(table_, self, call, "Hold"), DCP_OK);
  gate_.WaitInside(2);
  std::vector<dcp_call> queued(dcp::sdk::Runtime::kQueueMax);
  for (dcp_call& call : queued) ASSERT_EQ(Invoke(table_, self, call, "Echo"), DCP_OK);
  dcp_call extra;
  EXPECT_EQ(Invoke(table_, self, extra, "Echo"), DCP_RESOURCE_EXHAUSTED);
  gate_.Open();
  for (dcp_call& call : queued) call.WaitDone();
  for (dcp_call& call : held) call.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(extra.completions, 0);
}

TEST_P(RuntimeTest, DeadlinesReachTheCode) {
  dcp_instance* self = Create(table_);
  dcp_call none;
  dcp_call past;
  dcp_call ahead;
  past.deadline_ns = 1;
  ahead.deadline_ns = dcp::sdk::detail::MonotonicNs() + int64_t{60'000'000'000};
  for (dcp_call* call : {&none, &past, &ahead}) {
    ASSERT_EQ(Invoke(table_, self, *call, "Remaining"), DCP_OK);
    call->WaitDone();
  }
  table_->destroy(self);
  EXPECT_EQ(none.body, "-1");
  EXPECT_EQ(past.code, DCP_DEADLINE_EXCEEDED);
  EXPECT_GT(std::stoll(ahead.body), 50'000);
}

TEST_P(RuntimeTest, EventsComeInOrderAndSayWhenToStop) {
  dcp_instance* self = Create(table_);
  dcp_call call;
  ASSERT_EQ(Invoke(table_, self, call, "Progress"), DCP_OK);
  call.WaitDone();
  table_->destroy(self);
  EXPECT_THAT(call.events, ElementsAre("half", "one"));
  EXPECT_EQ(call.body, "go on");
}

TEST_P(RuntimeTest, AClassMayEncodeItsErrorsItself) {
  const dcp_plugin_api* table = dcp::sdk::Runtime::Table<Terse>();
  dcp_instance* self = Create(table);
  dcp_call call;
  ASSERT_EQ(Invoke(table, self, call, "Nope"), DCP_OK);
  call.WaitDone();
  table->destroy(self);
  EXPECT_EQ(call.body, "E:no method \"Nope\"");
}

TEST_P(RuntimeTest, CallsRunOnTheHostsThreadsWhereItHasThem) {
  dcp_instance* self = Create(table_);
  dcp_call held[2];
  for (dcp_call& call : held) ASSERT_EQ(Invoke(table_, self, call, "Hold"), DCP_OK);
  gate_.WaitInside(2);
  EXPECT_EQ(host_.posts(), GetParam() == 0 ? 0 : 2);
  gate_.Open();
  for (dcp_call& call : held) call.WaitDone();
  table_->destroy(self);
}

TEST_P(RuntimeTest, AHostThatIsFullCostsNoCall) {
  host_.host.posts_max = 1;
  dcp_instance* self = Create(table_);
  dcp_call held[2];
  for (dcp_call& call : held) ASSERT_EQ(Invoke(table_, self, call, "Hold"), DCP_OK);
  gate_.WaitInside(2);  // one of them on a thread of the plugin's own
  gate_.Open();
  for (dcp_call& call : held) call.WaitDone();
  table_->destroy(self);
  EXPECT_EQ(held[1].body, "held");
}

TEST_P(RuntimeTest, DestroyWaitsForWhatWasPosted) {
  dcp_instance* self = Create(table_);
  dcp_call call;
  ASSERT_EQ(Invoke(table_, self, call, "Hold"), DCP_OK);
  gate_.WaitInside(1);
  std::atomic<bool> opened{false};
  std::thread later([&] {
    opened = true;
    gate_.Open();
  });
  table_->destroy(self);
  EXPECT_TRUE(opened);
  EXPECT_EQ(call.completions, 1);
  EXPECT_EQ(alive, 0);
  later.join();
}

TEST_P(RuntimeTest, DrainReachesTheClassAndNothingThrownLeavesIt) {
  dcp_instance* self = Create(table_);
  table_->drain(self);
  EXPECT_EQ(drained, 1);
  table_->destroy(self);
  const dcp_plugin_api* plain = dcp::sdk::Runtime::Table<Plain>();
  self = Create(plain);
  plain->drain(self);  // a class need not override it
  plain->destroy(self);
}

INSTANTIATE_TEST_SUITE_P(Minor, RuntimeTest, ::testing::Values(0, 1));

TEST(ErrorToJsonTest, IsValidJsonWhateverTheTextHolds) {
  dcp::sdk::Error error;
  error.message =
      std::string("quote \" slash \\ tab \t nul ") + '\0' + " bad \xC3( \xED\xA0\x80 \xF0";
  error.message += " snowman \xE2\x98\x83";
  const auto json = nlohmann::json::parse(dcp::sdk::ErrorToJson(error));
  const std::string text = json["message"];
  EXPECT_THAT(text, HasSubstr("quote \" slash \\ tab \t nul "));
  EXPECT_THAT(text, HasSubstr("snowman \xE2\x98\x83"));
  EXPECT_THAT(text, HasSubstr("bad \xEF\xBF\xBD("));
  EXPECT_FALSE(json.contains("location"));
  EXPECT_EQ(dcp::sdk::ErrorToJson({}), "{}");
}

}  // namespace
