// SPDX-License-Identifier: Apache-2.0
//
// The fake host sees each breach of the contract, and none in a plugin that keeps it.
#include <dcp/sdk/testing.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace {

using ::testing::HasSubstr;

const dcp_host_api* g_host = nullptr;
std::function<dcp_code(dcp_call*)> g_invoke;
std::function<dcp_code()> g_create;
int g_instance = 0;

dcp_bytes View(const char* text) { return {reinterpret_cast<const uint8_t*>(text), strlen(text)}; }

dcp_code Validate(const dcp_host_api*, dcp_bytes) { return DCP_OK; }
dcp_code Create(const dcp_host_api* host, dcp_bytes, dcp_instance** out) {
  g_host = host;
  *out = reinterpret_cast<dcp_instance*>(&g_instance);
  return g_create ? g_create() : DCP_OK;
}
void Destroy(dcp_instance*) {}
dcp_code Invoke(dcp_instance*, dcp_call* call, dcp_bytes, dcp_bytes) { return g_invoke(call); }
void Cancel(dcp_instance*, dcp_call*) {}
const void* Extension(const char*) { return nullptr; }

dcp_plugin_api Table() {
  return {DCP_PLUGIN_API_MIN, 0,       0,       0,          View("{}"), &Validate, &Create,
          &Destroy,           &Invoke, &Cancel, &Extension, nullptr};
}

class TestingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    g_create = nullptr;
    g_invoke = [](dcp_call* call) {
      g_host->complete(call, DCP_OK, View("{}"));
      return DCP_OK;
    };
    host_ = dcp_test_host_new(&table_);
  }
  void TearDown() override {
    const std::string seen = dcp_test_violations(host_);
    EXPECT_THAT(seen, HasSubstr(expected_));
    const int count = dcp_test_host_free(host_);
    EXPECT_EQ(count, breaches_) << seen;
  }
  dcp_call* Call() {
    EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_OK);
    return dcp_test_invoke(host_, "Method", R"({"a":1})", 0);
  }
  void Expect(const std::string& violation) {
    expected_ = violation;
    breaches_ = 1;
  }

  const dcp_plugin_api table_ = Table();
  dcp_test_host* host_ = nullptr;
  std::string expected_;
  int breaches_ = 0;
};

TEST_F(TestingTest, RecordsWhatAGoodPluginSays) {
  g_invoke = [](dcp_call* call) {
    g_host->log(g_host->host, DCP_WARNING, call, View("mind"));
    EXPECT_EQ(g_host->emit(call, DCP_EVENT_DATA, View("one")), DCP_OK);
    EXPECT_EQ(g_host->emit(call, DCP_EVENT_DATA, View("two")), DCP_OK);
    EXPECT_EQ(g_host->emit(call, DCP_EVENT_PROGRESS, View("old")), DCP_OK);
    EXPECT_EQ(g_host->emit(call, DCP_EVENT_PROGRESS, View("new")), DCP_OK);
    g_host->complete(call, DCP_NOT_FOUND, View("why"));
    return DCP_OK;
  };
  dcp_call* call = Call();
  EXPECT_EQ(dcp_test_wait(host_, call, 0), DCP_NOT_FOUND);
  EXPECT_STREQ(dcp_test_body(call), "why");
  EXPECT_STREQ(dcp_test_data(call), "one\ntwo\n");
  EXPECT_STREQ(dcp_test_progress(call), "new");
  EXPECT_STREQ(dcp_test_logs(host_), "WARNING mind\n");
}

TEST_F(TestingTest, DeadlineAndCancellationAreTheTests) {
  EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_OK);
  g_invoke = [](dcp_call* call) {
    EXPECT_EQ(g_host->deadline_ns(call), 77);
    return DCP_OK;
  };
  dcp_call* call = dcp_test_invoke(host_, "Method", "{}", 77);
  EXPECT_EQ(dcp_test_wait(host_, call, 1), DCP_TEST_PENDING);
  EXPECT_EQ(g_host->cancelled(call), 0);
  dcp_test_cancel(host_, call);
  EXPECT_EQ(g_host->cancelled(call), 1);
  EXPECT_EQ(g_host->emit(call, DCP_EVENT_DATA, View("x")), DCP_CANCELLED);
  g_host->complete(call, DCP_CANCELLED, View(""));
  EXPECT_EQ(dcp_test_wait(host_, call, 0), DCP_CANCELLED);
}

TEST_F(TestingTest, ARefusedCallNeedsNoEnd) {
  g_invoke = [](dcp_call*) { return DCP_RESOURCE_EXHAUSTED; };
  dcp_call* call = Call();
  EXPECT_EQ(dcp_test_wait(host_, call, 0), DCP_RESOURCE_EXHAUSTED);
}

TEST_F(TestingTest, SeesTwoEnds) {
  Expect("complete: a second time");
  dcp_call* call = Call();
  g_host->complete(call, DCP_OK, View("{}"));
}

TEST_F(TestingTest, SeesNoEnd) {
  g_invoke = [](dcp_call*) { return DCP_OK; };
  Call();
  breaches_ = 1;  // seen when the host is freed
}

TEST_F(TestingTest, SeesAnEventAfterTheEnd) {
  Expect("emit: after complete");
  g_host->emit(Call(), DCP_EVENT_PROGRESS, View("late"));
}

TEST_F(TestingTest, SeesTheEndOfARefusedCall) {
  Expect("invoke: refused, and completed");
  g_invoke = [](dcp_call* call) {
    g_host->complete(call, DCP_OK, View("{}"));
    return DCP_ABORTED;
  };
  Call();
}

TEST_F(TestingTest, SeesACodeThatIsNone) {
  Expect("complete: bad code");
  g_invoke = [](dcp_call* call) {
    g_host->complete(call, 17, View(""));
    return DCP_OK;
  };
  Call();
}

TEST_F(TestingTest, SeesAFailureWithoutAReason) {
  Expect("create: failed without set_error");
  g_create = [] { return DCP_UNAVAILABLE; };
  EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_UNAVAILABLE);
}

TEST_F(TestingTest, KeepsTheReasonOfAFailure) {
  g_create = [] {
    g_host->set_error(g_host->host, DCP_UNAVAILABLE, View("no network"));
    return DCP_UNAVAILABLE;
  };
  EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_UNAVAILABLE);
  EXPECT_STREQ(dcp_test_error(host_), "no network");
}

TEST_F(TestingTest, SeesAnErrorSetAtTheWrongTime) {
  Expect("set_error: outside");
  EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_OK);
  g_host->set_error(g_host->host, DCP_UNKNOWN, View("x"));
}

TEST_F(TestingTest, SeesALineForAForeignCall) {
  Expect("log: for a call that is not this host's");
  EXPECT_EQ(dcp_test_create(host_, "{}"), DCP_OK);
  dcp_call foreign{};
  g_host->log(g_host->host, DCP_INFO, &foreign, View("x"));
}

TEST(TestingTableTest, SeesAnEmptySlot) {
  dcp_plugin_api table = Table();
  table.cancel = nullptr;
  dcp_test_host* host = dcp_test_host_new(&table);
  EXPECT_EQ(dcp_test_create(host, "{}"), DCP_INTERNAL);
  EXPECT_EQ(dcp_test_host_free(host), 1);
}

std::string String(const char* json) {
  char* text = dcp_json_string(View(json));
  std::string copy = text == nullptr ? "(none)" : text;
  free(text);
  return copy;
}

TEST(JsonTest, FindsByPath) {
  const dcp_bytes json = View(R"( {"a" : {"b\"":1, "c": [1,{"d":2}, "]"], "e":-5 }, "f":"x"} )");
  EXPECT_TRUE(dcp_json_is(dcp_json_find(json, "a.c"), R"([1,{"d":2}, "]"])"));
  EXPECT_EQ(dcp_json_int(dcp_json_find(json, "a.e"), 0), -5);
  EXPECT_EQ(dcp_json_find(json, "a.d").data, nullptr);
  EXPECT_EQ(dcp_json_find(json, "f.x").data, nullptr);
  for (const char* broken :
       {"", "{", "{\"a\"", "{\"a\":", "{\"a\":\"", "[", "7", "{\"a\":{\"b\":1"}) {
    EXPECT_EQ(dcp_json_find(View(broken), "a.b").data, nullptr) << broken;
  }
}

TEST(JsonTest, DecodesStrings) {
  EXPECT_EQ(String(R"("a\n\"\u00e9\ud83d\ude00")"), "a\n\"\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(String(R"("\ud83d")"), "\xEF\xBF\xBD");
  for (const char* wrong : {"", "\"", "7", R"("\u0000")", R"("\x")", R"("\u12")", "null"}) {
    EXPECT_EQ(String(wrong), "(none)") << wrong;
  }
}

TEST(JsonTest, ReadsNumbersAlsoAsText) {
  EXPECT_EQ(dcp_json_int(View("\"9007199254740993\""), 0), 9007199254740993);
  for (const char* wrong : {"", "\"", "\"\"", "1.5", "x", "\"12x\"", "null"}) {
    EXPECT_EQ(dcp_json_int(View(wrong), -7), -7) << wrong;
  }
}

TEST(JsonTest, Base64GoesThereAndBack) {
  const std::string bytes(
      "\0\xFF\x10"
      "abcdef",
      9);
  for (size_t size = 0; size <= bytes.size(); ++size) {
    dcp_text text{};
    dcp_text_add(&text, "\"");
    dcp_text_base64(&text, bytes.data(), size);
    dcp_text_add(&text, "\"");
    dcp_text back = dcp_json_bytes(dcp_text_view(&text));
    EXPECT_EQ(std::string(back.data, back.size), bytes.substr(0, size)) << text.data;
    free(text.data);
    free(back.data);
  }
}

TEST(JsonTest, WritesStringsThatItReads) {
  dcp_text text{};
  dcp_text_json(&text, "a\"\\\n\x01\x7F\xC3\xA9");
  EXPECT_STREQ(text.data, "\"a\\\"\\\\\\u000a\\u0001\\u007f\xC3\xA9\"");
  EXPECT_EQ(String(text.data), "a\"\\\n\x01\x7F\xC3\xA9");
  free(text.data);
}

}  // namespace
