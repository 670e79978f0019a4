// SPDX-License-Identifier: Apache-2.0
//
// The store of plugins' files, and what operators do with it while calls run: install, go over to
// another version and back, take out of service, verify.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "host_fixture.h"
#include "os/testing/durability_trace.h"

namespace dcp::host {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Bytes(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}
void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
void Replace(std::string& text, const std::string& what, const std::string& by) {
  ASSERT_EQ(what.size(), by.size());
  const size_t at = text.find(what);
  ASSERT_NE(at, text.npos) << what;
  text.replace(at, what.size(), by);
}

class HostStoreTest : public HostFixture {
 protected:
  void SetUp() override {
    fs::create_directories(files_);
    settings_.store_directory = store_;
    Start("waits");
  }
  void TearDown() override {
    HostFixture::TearDown();
    host_.reset();
    fs::remove_all(root_);
  }
  /// Stops the host and starts another on the same store.
  void StartAgain() {
    host_.reset();
    Start("waits");
  }

  /// What comes behind a shared object's sections is read by nobody: another content, the same
  /// code.
  static std::string Variant(const std::string& plugin, const std::string& tail) {
    return Bytes(std::string(TEST_PLUGINS) + "/" + plugin + ".so") + tail;
  }
  Result<PluginVersion> Install(const std::string& bytes, const std::string& sha256 = "") {
    const auto incoming = host_->IncomingPath();
    if (!incoming.ok()) return incoming.status();
    Write(*incoming, bytes);
    auto version = host_->Install(*incoming, "echo.so", "ana", sha256, id_, existed_);
    EXPECT_FALSE(fs::exists(*incoming));
    return version;
  }
  Result<std::vector<Swapped>> Swap(const std::string& name, const std::string& sha256 = "") {
    return host_->ReloadPlugin(name, sha256, "ana", nullptr);
  }
  Status GoodStatus() {
    return host_->Call({"resource", "good", "", "", ""}, "Describe", "{}", {}).status();
  }

  const std::string root_ =
      (fs::temp_directory_path() / "dcp_store_").string() + std::to_string(getpid());
  const std::string store_ = root_ + "/store";
  const std::string files_ = root_ + "/files";
  std::string id_;
  bool existed_ = false;
};

TEST_F(HostStoreTest, InstallsGoesOverAndBackAndRemembers) {
  const std::string first = StateOf("good").sha256;
  const int64_t first_pid = StateOf("good").pid;
  const auto installed = Install(Variant("echo", "2"));
  ASSERT_TRUE(installed.ok()) << installed.status().ToString();
  EXPECT_EQ(id_, "echo");
  EXPECT_FALSE(existed_);
  EXPECT_EQ(installed->origin, "store");
  EXPECT_EQ(installed->installed_by, "ana");
  // Nothing uses it yet.
  EXPECT_EQ(StateOf("good").sha256, first);
  EXPECT_EQ(StateOf("good").pid, first_pid);

  const auto swapped = Swap("good");
  ASSERT_TRUE(swapped.ok()) << swapped.status().ToString();
  ASSERT_THAT(*swapped, SizeIs(1));
  EXPECT_EQ((*swapped)[0].before, first);
  EXPECT_EQ((*swapped)[0].after, installed->sha256);
  EXPECT_NE(StateOf("good").pid, first_pid);
  EXPECT_TRUE(GoodStatus().ok());
  // Who was not named was left alone.
  EXPECT_EQ(StateOf("bad").state, "READY");

  StartAgain();
  EXPECT_EQ(StateOf("good").sha256, installed->sha256);
  EXPECT_EQ(Swap("good", "0123456789").status().code(), Code::kNotFound);
  EXPECT_EQ(Swap("good", "xyz").status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(Swap("echo", first.substr(0, 8)).ok());
  EXPECT_EQ(StateOf("good").sha256, first);
  StartAgain();
  EXPECT_EQ(StateOf("good").sha256, first);

  ASSERT_TRUE(Install(Variant("echo", "2")).ok());
  EXPECT_TRUE(existed_);
}

/// A record that is on disk says that the file is: a power loss in between must not make it a lie.
TEST_F(HostStoreTest, WhatIsRecordedIsOnDiskFirst) {
  const std::string variant = Variant("echo", "durable");
  const os::DurabilityTrace trace;
  ASSERT_TRUE(Install(variant).ok());
  EXPECT_THAT(trace.Losses(), IsEmpty());
  EXPECT_EQ(trace.renames(), 2U) << "the file, then its record";
  ASSERT_TRUE(Swap("good").ok());
  EXPECT_THAT(trace.Losses(), IsEmpty());
  EXPECT_EQ(trace.renames(), 3U) << "the decision";
}

TEST_F(HostStoreTest, WhoOnlyLooksCopiesNothing) {
  const auto kept = [&] {
    return std::distance(fs::directory_iterator(store_), fs::directory_iterator());
  };
  const auto before = kept();
  const PluginList list = host_->Plugins();
  EXPECT_GT(list.plugins.size(), 20U);  // the directory has one for each fault
  for (const PluginInfo& plugin : list.plugins) {
    ASSERT_FALSE(plugin.versions.empty()) << plugin.id;
    EXPECT_THAT(plugin.versions.front().sha256, SizeIs(64)) << plugin.id;
  }
  EXPECT_EQ(kept(), before);
}

TEST_F(HostStoreTest, AVersionThatFailsItsCheckIsNotGoneOverTo) {
  const std::string first = StateOf("good").sha256;
  std::string crashes = Variant("crash_create", "");
  Replace(crashes, R"("id": "crash_create")", R"("id": "echo"        )");
  ASSERT_TRUE(Install(crashes).ok());
  const Status dead = Swap("good").status();
  EXPECT_THAT(dead.message(),
              AllOf(HasSubstr("nothing was changed"), HasSubstr("ended with signal")));
  EXPECT_EQ(StateOf("good").sha256, first);
  EXPECT_TRUE(GoodStatus().ok());

  std::string less = Variant("echo", "");
  Replace(less, R"("Analyze")", R"("Anolyze")");
  ASSERT_TRUE(Install(less).ok());
  const Status short_of = Swap("good").status();
  EXPECT_THAT(short_of.message(), HasSubstr("does not offer test_backend.Analyze, as 1.0.0 does"));
  EXPECT_EQ(StateOf("good").sha256, first);
  // Nor after a restart: what failed was never decided on.
  StartAgain();
  EXPECT_EQ(StateOf("good").sha256, first);
}

TEST_F(HostStoreTest, WhatIsNoPluginIsNotInstalled) {
  const std::string whole = Variant("echo", "");
  EXPECT_EQ(Install("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Install("#!/bin/sh\n").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Install(whole.substr(0, whole.size() / 2)).status().code(), Code::kInvalidArgument);
  std::string other_machine = whole;
  other_machine[18] = 40;  // e_machine
  EXPECT_EQ(Install(other_machine).status().code(), Code::kInvalidArgument);
  const Status other = Install(whole, std::string(64, 'a')).status();
  EXPECT_THAT(other.message(), HasSubstr(std::string(64, 'a') + " was expected"));
  const std::string large = root_ + "/large";
  Write(large, "");
  fs::resize_file(large, 513ULL << 20);
  EXPECT_EQ(host_->Install(large, "large.so", "ana", "", id_, existed_).status().code(),
            Code::kResourceExhausted);
  for (const PluginInfo& info : host_->Plugins().plugins) {
    for (const PluginVersion& version : info.versions) EXPECT_EQ(version.origin, "directory");
  }
}

TEST_F(HostStoreTest, WhatIsWrittenOverAFileTouchesNothingThatRuns) {
  const std::string mine = files_ + "/echo.so";
  Write(mine, Variant("echo", "mine"));
  Settings settings = settings_;
  settings.directories.insert(settings.directories.begin(), files_);
  ASSERT_TRUE(host_->Reload(settings, nullptr).ok());
  const InstanceState before = StateOf("good");
  EXPECT_EQ(before.path, mine);
  // In place: a worker that had mapped this file would die of it.
  Write(mine, "rubbish");
  EXPECT_TRUE(GoodStatus().ok());
  EXPECT_EQ(StateOf("good").pid, before.pid);
  ASSERT_TRUE(host_->Restart("good").ok());
  // A call that comes while the old worker ends may go with it.
  while (GoodStatus().code() == Code::kUnavailable) std::this_thread::yield();
  EXPECT_TRUE(GoodStatus().ok());
  EXPECT_EQ(StateOf("good").sha256, before.sha256);
  ASSERT_TRUE(host_->Reload(settings_, nullptr).ok());
}

TEST_F(HostStoreTest, AFileThatWasChangedInTheStoreIsNotLoaded) {
  const auto installed = Install(Variant("echo", "3"));
  ASSERT_TRUE(Swap("good").ok());
  const std::string file = store_ + "/echo/" + installed->sha256 + "/plugin.so";
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  ASSERT_THAT(*host_->Verify("echo"), SizeIs(1));
  EXPECT_EQ((*host_->Verify("echo"))[0].result, "OK");
  const std::string whole = Bytes(file);
  // As a new file, so that the worker that runs keeps its own.
  fs::remove(file);
  Write(file, whole + "evil");
  EXPECT_EQ((*host_->Verify("echo"))[0].result, "CHANGED");
  EXPECT_GE(host_->Verify("")->size(), 2U);
  ASSERT_TRUE(host_->Restart("good").ok());
  while (GoodStatus().code() == Code::kUnavailable) std::this_thread::yield();
  EXPECT_THAT(GoodStatus().message(), HasSubstr("was changed after it was accepted"));
  EXPECT_EQ(StateOf("good").state, "FAILED");
  fs::remove(file);
  EXPECT_EQ((*host_->Verify("good"))[0].result, "MISSING");
  Write(file, whole);
  ASSERT_EQ(chmod(file.c_str(), 0666), 0);
  EXPECT_EQ((*host_->Verify("good"))[0].result, "REFUSED");
  ASSERT_TRUE(Swap("good").ok());
  EXPECT_EQ(host_->Verify("goode").status().hint(), "did you mean \"good\"?");
}

TEST_F(HostStoreTest, ADisabledInstanceStaysSoAndItsOpenCallsMayEnd) {
  WaitingCall call(*host_);
  const auto ids = host_->SetDisabled("waits", true, "leaks", "ana");
  ASSERT_TRUE(ids.ok()) << ids.status().ToString();
  EXPECT_THAT(*ids, ElementsAre("bad"));
  const Status refused = BadStatus("Describe");
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.message(), AllOf(HasSubstr("was disabled by ana"), HasSubstr("leaks")));
  EXPECT_THAT(refused.hint(), HasSubstr("pretzel plugin enable bad"));
  EXPECT_EQ(StateOf("bad").state, "DISABLED");
  EXPECT_EQ(Swap("bad").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(host_->Restart("bad").code(), Code::kFailedPrecondition);
  // A reload of the configuration does not bring it back, nor complain about it.
  const auto reloaded = host_->Reload(settings_, nullptr);
  ASSERT_TRUE(reloaded.ok());
  EXPECT_THAT(reloaded->failed, IsEmpty());
  call.Cancel();
  EXPECT_EQ(call.Join().code(), Code::kCancelled);
  StartAgain();
  EXPECT_EQ(StateOf("bad").state, "DISABLED");
  ASSERT_TRUE(host_->SetDisabled("bad", false, "", "ana").ok());
  EXPECT_EQ(StateOf("bad").state, "READY");
  EXPECT_EQ(host_->SetDisabled("badd", true, "", "ana").status().hint(), "did you mean \"bad\"?");
}

TEST_F(HostStoreTest, TheAllowListDecidesAndOnlyGetsShorter) {
  const std::string good = StateOf("good").sha256;
  const std::string bad = StateOf("bad").sha256;
  Settings settings = settings_;
  settings.allowed = {{good}};
  const Status refused = host_->Reload(settings, nullptr).status();
  // `bad` serves on by the old settings: nothing was changed.
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("nothing was changed"), HasSubstr("its SHA-256 " + bad)));
  settings.allowed = {{good, bad}};
  ASSERT_TRUE(host_->Reload(settings, nullptr).ok());
  EXPECT_EQ(Install(Variant("echo", "4")).status().code(), Code::kPermissionDenied);
  const Status opened = host_->Reload(settings_, nullptr).status();
  EXPECT_THAT(opened.message(), HasSubstr("plugins.allowed was taken away"));
  settings.allowed = {{good, bad, std::string(64, '0')}};
  EXPECT_THAT(host_->Reload(settings, nullptr).status().message(), HasSubstr("has the new digest"));
  settings.allowed = {{good}};
  std::erase_if(settings.instances, [](const auto& each) { return each.id == "bad"; });
  for (auto& [capability, routes] : settings.routes) routes.named.erase("bad");
  EXPECT_TRUE(host_->Reload(settings, nullptr).ok());
}

TEST_F(HostStoreTest, ListsWhatThereIsAndWhatWasRefused) {
  const PluginList list = host_->Plugins();
  const auto named = [&](const std::string& id) {
    return std::find_if(list.plugins.begin(), list.plugins.end(),
                        [&](const PluginInfo& info) { return info.id == id; });
  };
  ASSERT_NE(named("echo"), list.plugins.end());
  EXPECT_THAT(named("echo")->instances, SizeIs(1));
  EXPECT_THAT(named("echo")->instances[0].routes,
              ElementsAre("resource/good", "test_backend/good"));
  EXPECT_TRUE(named("echo")->versions[0].selected);
  EXPECT_THAT(named("echo")->versions[0].capabilities,
              ElementsAre("resource/1.0", "test_backend/1.0"));
  EXPECT_TRUE(std::any_of(list.refused.begin(), list.refused.end(), [](const RefusedFile& file) {
    return file.path.ends_with("/no_entry.so") && !file.reason.empty();
  }));
  EXPECT_EQ(host_->Plugin("good")->id, "echo");
  const Status missing = host_->Plugin("ecco").status();
  EXPECT_EQ(missing.hint(), "did you mean \"echo\"?");
  EXPECT_THAT(missing.message(), HasSubstr("/no_entry.so"));
}

TEST_F(HostStoreTest, DamagedDecisionsAreNotForgotten) {
  ASSERT_TRUE(host_->SetDisabled("bad", true, "", "ana").ok());
  host_.reset();
  Write(store_ + "/decisions.json", "{\"bad\":");
  const auto host = Host::Start(settings_);
  EXPECT_EQ(host.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(host.status().message(), HasSubstr("decisions.json is damaged"));
}

}  // namespace
}  // namespace dcp::host
