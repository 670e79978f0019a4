// SPDX-License-Identifier: Apache-2.0
//
// Plugins in the host's own process: who may, that they answer as in a worker, and what they leave.
#include <elf.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "host/in_process_rules.h"
#include "host_fixture.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One use of a plugin, step by step, as text. What differs by nature (pids, paths, which file) is
/// left out.
class Transcript {
 public:
  Transcript(const std::string& isolation, const std::string& directory, const std::string& plugin,
             const std::string& config, const std::string& libraries) {
    Settings settings;
    settings.worker_program = TEST_WORKER;
    settings.directories = {directory};
    settings.store_directory = libraries;
    settings.instances.resize(1);
    settings.instances[0].id = "it";
    settings.instances[0].plugin = plugin;
    settings.instances[0].config_json = Secret(config);
    settings.instances[0].isolation = isolation;
    auto host = Host::Start(settings);
    if (!host.ok()) {
      Add("host", host.status().ToString());
      return;
    }
    host_ = std::move(host).value();
    const InstanceState state = host_->States().front();
    Add("isolation", state.isolation == isolation ? "as configured" : state.isolation);
    Add("state", state.state + " " + state.version);
    // A file's path is told differently; the words after it are the same.
    Add("detail", state.detail.substr(state.detail.rfind(".so") == std::string::npos
                                          ? 0
                                          : state.detail.rfind(".so")));
  }

  void Call(const std::string& capability, const std::string& method, const std::string& request,
            int64_t deadline_ms = 10'000, int cancel_after_events = -1) {
    std::atomic<int> events{0};
    CallOptions options;
    options.deadline = SystemClock().Steady() + deadline_ms;
    options.on_progress = [&](const std::string& event) {
      Add(method + " event", event);
      ++events;
    };
    options.cancelled = [&] { return cancel_after_events >= 0 && events >= cancel_after_events; };
    const auto reply = host_->Call("it", capability, method, request, options);
    // Parsed, because the order of a map's keys is nobody's promise.
    Add(method, reply.ok() ? Json::parse(*reply).dump() : reply.status().ToString());
  }

  std::string text() const { return text_; }

 private:
  void Add(const std::string& what, const std::string& text) { text_ += what + ": " + text + "\n"; }
  std::string text_;
  std::unique_ptr<Host> host_;
};

class InProcessTest : public HostFixture {
 protected:
  InProcessTest() { settings_.store_directory = libraries_; }
  ~InProcessTest() override { fs::remove_all(libraries_); }

  /// "bad" runs in this process.
  void StartInProcess(const std::string& plugin) {
    Start(plugin);
    settings_.instances[1].isolation = kIsolationInProcess;
    const auto reloaded = host_->Reload(settings_, nullptr);
    ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
    ASSERT_EQ(StateOf("bad").pid, 0);
  }

  const std::string libraries_ =
      ::testing::TempDir() + "/dcp_libraries_" + std::to_string(getpid());
};

struct Subject {
  const char* plugin;
  const char* config;
};

class SameTranscriptTest : public InProcessTest, public ::testing::WithParamInterface<Subject> {};

TEST_P(SameTranscriptTest, InAWorkerAndInTheHostsProcess) {
  // What differs by nature: a worker's environment is the configured one, here it is the host's.
  unsetenv("TEST_ECHO");
  const auto transcript = [&](const char* isolation) {
    Transcript it(isolation, TEST_PLUGINS, GetParam().plugin, GetParam().config, libraries_);
    it.Call("resource", "Describe", "{}");
    it.Call("resource", "Compile", kCompile, 200);
    it.Call("test_backend", "Analyze", kAnalyze, 200);
    it.Call("test_backend", "Analyze", R"({"sql":"a \"b\" \\ ü"})", 10'000, 1);
    it.Call("test_backend", "Analyze", R"({"sqll":"SELECT 1"})");
    it.Call("resource", "Continue", "{}");
    it.Call("run_backend", "Submit", "{}");
    it.Call("resource", "Describe", "{}");
    return it.text();
  };
  const std::string worker = transcript(kIsolationWorker);
  EXPECT_EQ(worker, transcript(kIsolationInProcess));
  EXPECT_THAT(worker, HasSubstr("isolation: as configured"));
}

std::string NameOf(const ::testing::TestParamInfo<Subject>& subject) {
  return std::string(subject.param.plugin) + "_" + std::to_string(subject.index);
}

// Each is asked for more than it answers; which of it fails, and how, is the transcript.
INSTANTIATE_TEST_SUITE_P(Plugins, SameTranscriptTest,
                         ::testing::Values(Subject{"echo", "{}"}, Subject{"sdk_plugin", "{}"},
                                           Subject{"sdk_plugin", "{\"colour\":1}"},
                                           Subject{"echo", "none"}, Subject{"proto_echo", "{}"},
                                           Subject{"waits", "{}"}, Subject{"completes_twice", "{}"},
                                           Subject{"odd_answers", "{}"}, Subject{"throws", "{}"},
                                           Subject{"long_table", "{}"},
                                           Subject{"short_table", "{}"}, Subject{"null_slot", "{}"},
                                           Subject{"null_table", "{}"}, Subject{"newer_host", "{}"},
                                           Subject{"wrong_descriptor", "{}"},
                                           Subject{"fails_silently", "{}"},
                                           Subject{"no_instance", "{}"}),
                         NameOf);

TEST_F(InProcessTest, OurOwnRunBackendAnswersTheSameInBoth) {
  const std::string home = libraries_ + "-spark";
  fs::create_directories(home + "/bin");
  for (const char* file : {"/bin/spark-submit", "/python", "/iceberg.jar", "/coreetl.py"}) {
    std::ofstream(home + file) << "there";
    fs::permissions(home + file, fs::perms::owner_all);
  }
  const std::string config = Json{
      {"mode", "local"},
      {"sparkHome", home},
      {"python", home + "/python"},
      {"jars", {home + "/iceberg.jar"}},
      {"coreetl",
       home + "/coreetl.py"}}.dump();
  const std::string submit = R"({
    "job": {"context": {"runId": "r1"}, "table": "prod.nyc.daily", "sql": "SELECT :d AS d",
      "params": [{"name": "d", "type": "date", "value": "2013-01-01"}],
      "materialization": "full", "columns": [{"name": "d", "type": "date"}],
      "mounts": [{"name": "prod", "uri": "http://127.0.0.1:8181/pg/fin", "token": "T",
                  "mode": "rw", "expiresAtMs": "99"}],
      "runId": "r1", "deadlineMs": "1700000000000"},
    "lease": {"id": "l1", "kind": "cold", "directory": "/state/jobs/r1/run/"},
    "idempotencyKey": "r1/run"})";
  const auto transcript = [&](const char* isolation) {
    Transcript it(isolation, TEST_OWN_PLUGINS, "spark_runner", config, libraries_);
    it.Call("run_backend", "Submit", submit);
    it.Call("run_backend", "Submit", "{}");
    it.Call("run_backend", "Check", R"({"process": {"phase": "RUNNING"}})");
    it.Call("run_backend", "Check", R"({"process": {"phase": "LOST"}})");
    it.Call("run_backend", "Check", R"({"process": {"phase": "EXITED", "signal": 9}})");
    it.Call("run_backend", "Check", R"({"handle": "x"})");
    it.Call("run_backend", "Cancel", "{}");
    return it.text();
  };
  const std::string worker = transcript(kIsolationWorker);
  EXPECT_EQ(worker, transcript(kIsolationInProcess));
  EXPECT_THAT(worker, AllOf(HasSubstr("state: READY"), HasSubstr(home + "/bin/spark-submit"),
                            HasSubstr("PZ0409")));
  fs::remove_all(home);
}

TEST_F(InProcessTest, WhoMayNotIsToldWhyAndWhatToDo) {
  const struct {
    const char* file;
    const char* reason;
  } cases[] = {
    {TEST_OWN_PLUGINS "/derived_dataset.so", "it needs lib"},
    {TEST_PLUGINS "/needs_crypto.so", "it needs libcrypto.so.3"},
    {TEST_PLUGINS "/exports_more.so", "it exports more than dcp_plugin_v1: exported_by_accident"},
    {TEST_PLUGINS "/has_rpath.so", "it says where its libraries are searched (/opt/lib)"},
    {TEST_PLUGINS "/exec_stack.so", "it asks for an executable stack"},
    {TEST_PLUGINS "/interposes.so", "it is linked with -z interpose"},
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // whose own symbols are left so
    {TEST_PLUGINS "/unresolved.so",
     "it leaves symbols to whatever is in the process: dcp_test_function_nobody_defines"},
#endif
  };
  for (const auto& c : cases) {
    const Status status = CheckInProcess(c.file, "the file");
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << c.file;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("the file cannot run in the daemon's process: "),
                                        HasSubstr(c.reason)));
    EXPECT_EQ(status.hint(), "use isolation: worker") << c.file;
  }
  const Status fine = CheckInProcess(TEST_PLUGINS "/echo.so", "echo");
  EXPECT_TRUE(fine.ok()) << fine.ToString();
  EXPECT_EQ(CheckInProcess("/nowhere.so", "x").code(), Code::kNotFound);
  EXPECT_EQ(CheckInProcess(TEST_WORKER, "x").code(), Code::kFailedPrecondition);
  settings_.directories = {TEST_OWN_PLUGINS, TEST_PLUGINS};
  Start("waits");
  settings_.instances[1].plugin = "derived_dataset";
  settings_.instances[1].isolation = kIsolationInProcess;
  const Status status = host_->Reload(settings_, nullptr).status();
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("nothing was changed"), HasSubstr("it needs lib"),
                                       HasSubstr("(hint: use isolation: worker)")));
  EXPECT_EQ(StateOf("bad").isolation, "worker");
}

/// A copy of `from` whose table of the loader has these bits in FLAGS_1: not every linker sets
/// them.
void CopyWithFlags(const std::string& from, const std::string& to, uint64_t bits) {
  std::ifstream in(from, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto at = [&](uint64_t offset, auto& out) {
    ASSERT_LE(offset + sizeof(out), bytes.size());
    std::memcpy(&out, bytes.data() + offset, sizeof(out));
  };
  Elf64_Ehdr header{};
  at(0, header);
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    at(header.e_phoff + static_cast<uint64_t>(i) * sizeof(part), part);
    if (part.p_type != PT_DYNAMIC) continue;
    Elf64_Dyn entry{};
    for (uint64_t place = part.p_offset;; place += sizeof(entry)) {
      at(place, entry);
      ASSERT_NE(entry.d_tag, DT_NULL);
      if (entry.d_tag != DT_FLAGS_1) continue;
      entry.d_un.d_val |= bits;
      std::memcpy(bytes.data() + place, &entry, sizeof(entry));
      break;
    }
  }
  std::ofstream(to, std::ios::binary) << bytes;
}

TEST_F(InProcessTest, SymbolsForEverybodyAreRefused) {
  fs::create_directories(libraries_);
  const std::string file = libraries_ + "/patched.so";
  CopyWithFlags(TEST_PLUGINS "/echo.so", file, 0);
  EXPECT_TRUE(CheckInProcess(file, "x").ok());
  CopyWithFlags(TEST_PLUGINS "/echo.so", file, DF_1_GLOBAL);
  EXPECT_THAT(CheckInProcess(file, "x").message(), HasSubstr("linked with -z global"));
}

TEST_F(InProcessTest, ADamagedFileIsRefusedAndHurtsNobody) {
  fs::create_directories(libraries_);
  const std::string file = libraries_ + "/damaged.so";
  std::ifstream in(TEST_PLUGINS "/echo.so", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const auto check = [&](const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    return CheckInProcess(file, "x");
  };
  ASSERT_TRUE(check(whole).ok());
  for (size_t size = 0; size < whole.size() - 64; size += 997) {
    EXPECT_FALSE(check(whole.substr(0, size)).ok()) << size;
  }
  std::mt19937 random(20260101);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    std::string bytes = whole;
    for (int flips = 0; flips < 20; ++flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (!check(bytes).ok()) ++refused;
  }
  EXPECT_GT(refused, 0);
}

TEST_F(InProcessTest, ABurstOfEventsWaitsForItsReader) {
  StartInProcess("emits");
  int expected = 0;
  bool in_order = true;
  bool done = false;
  CallOptions options;
  options.on_data = [&](const std::string& event) {
    in_order = in_order && Json::parse(event)["n"] == expected++;
  };
  options.on_progress = [&](const std::string& event) {
    done = Json::parse(event)["state"] == "done";
  };
  const auto reply = Bad("Analyze", options);
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(Json::parse(*reply)["engine"], "4000");
  EXPECT_EQ(expected, 4000);
  EXPECT_TRUE(in_order);
  EXPECT_TRUE(done);
}

TEST_F(InProcessTest, ACallThatHangsCostsTheInstanceAndNotTheHost) {
  settings_.hang_grace_ms = 50;
  StartInProcess("never_completes");
  CallOptions options;
  options.deadline = SystemClock().Steady() + 20;
  EXPECT_EQ(BadStatus("Compile", options).code(), Code::kDeadlineExceeded);
  // Out of service soon; until then it may answer, and what is open then is answered.
  Status status;
  while (status.ok() || status.code() == Code::kUnavailable) status = BadStatus("Describe");
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status.ToString();
  EXPECT_THAT(status.message(),
              HasSubstr("the call of Compile did not end although it was asked to"));
  const SteadyMillis end = SystemClock().Steady() + 30'000;
  while (StateOf("bad").state != "FAILED" && SystemClock().Steady() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(StateOf("bad").state, "FAILED");
  const auto reloaded = host_->Reload(settings_, nullptr);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->restarted, ElementsAre("bad"));
  ExpectDescribes("Base");
}

TEST_F(InProcessTest, AReplacedFileIsAnotherLibrary) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("dcp_replaced_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const fs::path file = folder / "waits.so";
  fs::copy_file(std::string(TEST_PLUGINS) + "/waits.so", file);
  settings_.directories = {folder.string(), TEST_PLUGINS};
  StartInProcess("waits");
  const auto copies = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(libraries_ + "/waits")) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  };
  EXPECT_EQ(copies().size(), 1U);
  EXPECT_EQ(copies().front(), StateOf("bad").sha256);
  WaitingCall call(*host_);
  // In place, which would be the end of whoever has the file itself mapped.
  std::ofstream(file, std::ios::app) << "more";
  const auto reloaded = host_->Reload(settings_, nullptr);
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(reloaded->restarted, ElementsAre("bad"));
  EXPECT_EQ(copies().size(), 2U);
  ExpectDescribes("Base");
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  fs::remove_all(folder);
}

TEST_F(InProcessTest, GoingBackAndForthLeavesNoThread) {
  StartInProcess("waits");
  const auto threads = [] {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/task")) {
      count += entry.exists() ? 1 : 0;
    }
    return count;
  };
  ExpectDescribes("Base");
  const auto go = [&](const char* isolation) {
    settings_.instances[1].isolation = isolation;
    const auto reloaded = host_->Reload(settings_, nullptr);
    ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
    ExpectDescribes("Base");
  };
  go(kIsolationWorker);
  const size_t before = threads();
  for (int i = 0; i < 50; ++i) {
    go(kIsolationInProcess);
    go(kIsolationWorker);
  }
  const SteadyMillis end = SystemClock().Steady() + 30'000;
  while (threads() > before && SystemClock().Steady() < end) std::this_thread::yield();
  EXPECT_LE(threads(), before);
}

}  // namespace
}  // namespace dcp::host
