// SPDX-License-Identifier: Apache-2.0
//
// What a host of ABI 1.1 adds: functions on its threads, with their bound, and the end in order.
#include "host/plugin_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

// The plugin's instance, opaque to the host; the plugin of these tests is below.
struct dcp_instance {
  const dcp_host_api* host = nullptr;
};

namespace dcp::host {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kId = 7;

/// Keeps answers, for whoever waits for them.
class Answers : public PluginSink {
 public:
  dcp_code Event(uint64_t, dcp_event, std::string_view) override { return DCP_OK; }
  void Complete(uint64_t, dcp_code code, Origin, std::string_view body) override {
    const std::lock_guard lock(mutex_);
    codes_.push_back(code);
    text_ = body;
    changed_.notify_all();
  }
  void Log(dcp_level, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(text);
  }
  dcp_code Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !codes_.empty(); });
    const dcp_code code = codes_.front();
    codes_.pop_front();
    return code;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<dcp_code> codes_;
  std::string text_;
  std::vector<std::string> lines_;
};

/// What happened to the plugin, and a gate that holds posted functions.
struct Story {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> steps;
  bool open = false;
  size_t inside = 0;
  size_t inside_max = 0;
  size_t ran = 0;
  dcp_code in_validate = -1;
  dcp_code in_destroy = -1;
  dcp_instance instance;

  void Step(const char* word) {
    const std::lock_guard lock(mutex);
    steps.emplace_back(word);
  }
  void Open() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  template <typename Condition>
  void Wait(Condition condition) {
    std::unique_lock lock(mutex);
    changed.wait(lock, condition);
  }
};

Story* story = nullptr;

void Held(void*) {
  std::unique_lock lock(story->mutex);
  story->inside_max = std::max(story->inside_max, ++story->inside);
  story->changed.notify_all();
  story->changed.wait(lock, [] { return story->open; });
  --story->inside;
  ++story->ran;
  story->changed.notify_all();
}

void Step(void* word) { story->Step(static_cast<const char*>(word)); }
void Throw(void*) { throw 7; }  // NOLINT: what an author might do

dcp_code Post(const dcp_host_api* host, void (*run)(void*), void* user = nullptr) {
  return host->post(host->host, run, user);
}

dcp_plugin_api Table() {
  dcp_plugin_api table{};
  table.struct_size = DCP_PLUGIN_API_SIZE;
  table.validate = [](const dcp_host_api* host, dcp_bytes) -> dcp_code {
    story->in_validate = Post(host, Held);
    return DCP_OK;
  };
  table.create = [](const dcp_host_api* host, dcp_bytes config, dcp_instance** out) -> dcp_code {
    story->instance.host = host;
    if (config.size == 0) return DCP_UNAVAILABLE;
    *out = &story->instance;
    return DCP_OK;
  };
  table.destroy = [](dcp_instance* self) {
    story->in_destroy = Post(self->host, Held);
    story->Step("destroy");
  };
  table.drain = [](dcp_instance* self) {
    story->Step("drain");
    static char word[] = "posted in drain";
    EXPECT_EQ(Post(self->host, Step, word), DCP_OK);
  };
  return table;
}

class PluginRuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override { story = &story_; }

  void Make(dcp_plugin_api table, const std::string& config = "{}") {
    table_ = table;
    runtime_ = std::make_shared<PluginRuntime>(&table_, answers_);
    runtime_->Validate(kId, "{}");
    ASSERT_EQ(answers_->Next(), DCP_OK);
    runtime_->Create(kId, config);
    created_ = answers_->Next();
  }
  dcp_code Destroy() {
    runtime_->Destroy(kId);
    return answers_->Next();
  }

  Story story_;
  dcp_plugin_api table_{};
  const std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::shared_ptr<PluginRuntime> runtime_;
  dcp_code created_ = -1;
};

TEST_F(PluginRuntimeTest, AnInstanceIsDrainedThenLeftThenDestroyed) {
  Make(Table());
  ASSERT_EQ(Destroy(), DCP_OK);
  EXPECT_THAT(story_.steps, ElementsAre("drain", "posted in drain", "destroy"));
  EXPECT_EQ(story_.in_validate, DCP_FAILED_PRECONDITION);
  EXPECT_EQ(story_.in_destroy, DCP_FAILED_PRECONDITION);
}

TEST_F(PluginRuntimeTest, AsManyFunctionsAreTakenAsTheLimitSays) {
  Make(Table());
  const dcp_host_api* host = story_.instance.host;
  for (size_t i = 0; i < kPostedMax; ++i) ASSERT_EQ(Post(host, Held), DCP_OK) << i;
  EXPECT_EQ(Post(host, Held), DCP_RESOURCE_EXHAUSTED);
  story_.Wait([this] { return story_.inside == kPostThreadsMax; });
  story_.Open();
  story_.Wait([this] { return story_.ran == kPostedMax; });
  EXPECT_EQ(story_.inside_max, kPostThreadsMax);
  ASSERT_EQ(Destroy(), DCP_OK);
}

TEST_F(PluginRuntimeTest, DestroyDoesNotComeWhileAFunctionRuns) {
  Make(Table());
  ASSERT_EQ(Post(story_.instance.host, Held), DCP_OK);
  story_.Wait([this] { return story_.inside == 1; });
  EXPECT_EQ(Destroy(), DCP_FAILED_PRECONDITION);
  EXPECT_EQ(answers_->text(), "calls or posted functions are still running");
  EXPECT_THAT(story_.steps, ElementsAre("drain", "posted in drain"));
  story_.Open();
  EXPECT_EQ(Destroy(), DCP_OK);  // and is not drained again
  EXPECT_THAT(story_.steps, ElementsAre("drain", "posted in drain", "destroy"));
}

TEST_F(PluginRuntimeTest, NothingIsTakenAfterACreateThatFailed) {
  Make(Table(), "");
  EXPECT_EQ(created_, DCP_UNAVAILABLE);
  EXPECT_EQ(Post(story_.instance.host, Held), DCP_FAILED_PRECONDITION);
}

TEST_F(PluginRuntimeTest, NoFunctionIsAMistakeAndAThrownOneIsLogged) {
  Make(Table());
  EXPECT_EQ(Post(story_.instance.host, nullptr), DCP_INVALID_ARGUMENT);
  EXPECT_EQ(Post(story_.instance.host, Throw), DCP_OK);
  ASSERT_EQ(Destroy(), DCP_OK);
  EXPECT_THAT(answers_->lines(),
              ElementsAre("a C++ exception left the plugin's posted function()"));
}

TEST_F(PluginRuntimeTest, ATableWithoutDrainIsNotDrained) {
  dcp_plugin_api none = Table();
  none.drain = nullptr;
  Make(none);
  ASSERT_EQ(Destroy(), DCP_OK);
  dcp_plugin_api old = Table();  // what lies behind the end of a table is not looked at
  old.struct_size = DCP_PLUGIN_API_MIN;
  Make(old);
  ASSERT_EQ(Destroy(), DCP_OK);
  EXPECT_THAT(story_.steps, ElementsAre("destroy", "destroy"));
}

}  // namespace
}  // namespace dcp::host
