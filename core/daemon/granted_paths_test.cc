// SPDX-License-Identifier: Apache-2.0
#include "daemon/granted_paths.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "os/file.h"

namespace dcp::daemon {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GrantedPathsTest : public testing::Test {
 protected:
  GrantedPathsTest() {
    char pattern[] = "/tmp/dcp-granted-XXXXXX";
    folder_ = fs::canonical(::mkdtemp(pattern));
    for (const char* name : {"data/out", "elsewhere", "secrets"}) {
      fs::create_directories(folder_ + "/" + name);
    }
    references_.state_dir = folder_ + "/state";
    production_ = "file://" + folder_ + "/data/out";
  }
  ~GrantedPathsTest() override { fs::remove_all(folder_); }

  /// One service writes `data`; another one, jobs and a plugin read what the test says.
  Result<Settings> Read(const std::string& service, const std::string& job = "/usr",
                        const std::string& plugin = "/usr") {
    return ReadSettings(
        "dcpd.yaml",
        "state_dir: " + references_.state_dir +
            "\ncatalog:\n"
            "  production: {uri: 'http://127.0.0.1:1', secret: s, warehouse: "
            "'" +
            production_ +
            "'}\n"
            "  overlay: {uri: 'http://127.0.0.1:2', secret: s, warehouse: 's3://o'}\n"
            "services:\n"
            "  - {name: includes, command: [/bin/c], ready: '127.0.0.1:5', files: [{path: '" +
            folder_ + "/made', content: '', include: '" + include_ +
            "'}]}\n"
            "  - {name: writes, command: [/bin/a], ready: '127.0.0.1:3', sandbox: "
            "{write: ['" +
            folder_ +
            "/data']}}\n"
            "  - {name: reads, command: [/bin/b], ready: '127.0.0.1:4', sandbox: "
            "{read: ['" +
            service +
            "']}}\n"
            "runs: {sandbox: {read: ['" +
            job +
            "']}}\n"
            "plugins: {instances: [{id: p, plugin: q, sandbox: {read: ['" +
            plugin + "']}}]}\n",
        references_);
  }

  std::string folder_;
  std::string production_;
  std::string include_ = "/etc/hostname";
  References references_;
};

TEST_F(GrantedPathsTest, LinksAreResolvedAsTheKernelDoes) {
  fs::create_directory_symlink("../elsewhere", folder_ + "/data/relative");
  fs::create_directory_symlink(folder_ + "/data", folder_ + "/absolute");
  fs::create_directory_symlink("circle", folder_ + "/circle");
  std::vector<std::string> met;
  const auto note = [&met](const std::string& link) { met.push_back(link); };
  EXPECT_EQ(ResolveLinks(folder_ + "/absolute/relative/./a/../b", note), folder_ + "/elsewhere/b");
  EXPECT_THAT(met, ElementsAre(folder_ + "/absolute", folder_ + "/data/relative"));
  EXPECT_EQ(ResolveLinks(folder_ + "//not/there/"), folder_ + "/not/there");
  EXPECT_EQ(ResolveLinks(folder_ + "/circle/x"), folder_ + "/circle/x");
  EXPECT_EQ(ResolveLinks("/.."), "/");
}

TEST_F(GrantedPathsTest, AnOperatorsLinkIsFollowedOnce) {
  fs::create_directory_symlink(folder_ + "/elsewhere", folder_ + "/link");
  const auto settings = Read(folder_ + "/link/x", folder_ + "/link", folder_ + "/link");
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_THAT(settings->services[2].sandbox->read, ElementsAre(folder_ + "/elsewhere/x"));
  EXPECT_THAT(settings->job_sandbox->read, ElementsAre(folder_ + "/elsewhere"));
  EXPECT_THAT(settings->host.instances[0].sandbox.read, ElementsAre(folder_ + "/elsewhere"));
  EXPECT_TRUE(settings->host.instances[0].sandbox.resolved);
  EXPECT_EQ(settings->production_folder, folder_ + "/data/out");
  EXPECT_EQ(settings->overlay_folder, "");
}

TEST_F(GrantedPathsTest, ALinkThatAProgramCouldMakeDecidesNothing) {
  const std::string out = folder_ + "/data/out";
  EXPECT_TRUE(Read(out, out, out).ok());
  fs::remove(out);
  fs::create_directory_symlink(folder_ + "/secrets", out);
  const std::string why = "leads through the link " + out + ", which service writes can make";
  EXPECT_THAT(Read("/usr").status().ToString(), HasSubstr("dcpd.yaml:3:")) << "production's folder";
  production_ = "s3://p";
  EXPECT_TRUE(Read("/usr").ok());
  EXPECT_THAT(Read(out).status().ToString(), HasSubstr("dcpd.yaml:8:"));
  for (const auto& refused : {Read(out + "/x"), Read("/usr", out), Read("/usr", "/usr", out)}) {
    EXPECT_THAT(refused.status().ToString(), HasSubstr(why));
  }
  // The daemon itself would read it, and put it where the service reads.
  include_ = out + "/x";
  EXPECT_THAT(Read("/usr").status().ToString(), HasSubstr(why));
  include_ = "/etc/hostname";
  // A way around by an operator's link ends at the same place.
  fs::create_directory_symlink(folder_ + "/data", folder_ + "/link");
  EXPECT_THAT(Read(folder_ + "/link/out").status().ToString(), HasSubstr(why));
}

}  // namespace
}  // namespace dcp::daemon
