// SPDX-License-Identifier: Apache-2.0
//
// What comes from a plugin reaches the job's own program and nothing before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>

#include "os/confine.h"
#include "os/environment.h"
#include "os/file.h"
#include "os/job.h"

namespace dcp::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobEnvironmentTest : public ::testing::Test {
 protected:
  JobEnvironmentTest() {
    std::string pattern = ::testing::TempDir() + "dcp_job_env_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::filesystem::create_directories(directory_ + "/" + kJobWorkFolder);
  }
  ~JobEnvironmentTest() override {
    while (!EndJob(directory_).value_or(true)) ::poll(nullptr, 0, 1);
    std::filesystem::remove_all(directory_);
  }

  std::string Work() const { return directory_ + "/" + kJobWorkFolder; }

  /// Runs it to its end, and answers what it wrote, both outputs in one.
  std::string Run(JobSpec spec) {
    spec.stdout_file = spec.stderr_file = "output";
    const Status launched = LaunchJob(DCP_TEST_LAUNCHER, directory_, spec);
    EXPECT_TRUE(launched.ok()) << launched.ToString();
    for (int i = 0; i < 10'000; ++i) {
      if (ReadJobState(directory_).value().phase != JobState::Phase::kRunning) break;
      ::poll(nullptr, 0, 1);
    }
    return ReadFile(Work() + "/output", 100'000).value_or("nothing");
  }

  std::string directory_;
};

TEST_F(JobEnvironmentTest, IsTheProgramsOwnUnlessItIsPassedOn) {
  JobSpec spec;
  spec.argv = {"/usr/bin/env"};
  spec.env = {{"A", "1"}, {"B", "x y"}};
  EXPECT_EQ(Run(spec), "A=1\nB=x y\n");
}

TEST_F(JobEnvironmentTest, PassedOnItStandsInADescriptorAlone) {
  JobSpec spec;
  spec.argv = {"/bin/sh", "-c", "/usr/bin/env; /usr/bin/tr '\\0' '|' <&4"};
  spec.env = {{"LD_PRELOAD", "/no/such.so"}};
  spec.env_is_passed_on = true;
  const std::string out = Run(spec);
  EXPECT_THAT(out, HasSubstr("LD_PRELOAD=/no/such.so|"));
  EXPECT_EQ(out.find("LD_PRELOAD"), out.rfind("LD_PRELOAD")) << out;
  EXPECT_EQ(out.find("cannot be preloaded"), out.npos) << out;
}

TEST_F(JobEnvironmentTest, AProgramThatConfinesIsStartedWithoutIt) {
  Confinement confinement;
  confinement.read = {"/usr/bin"};
  confinement.write = {Work()};
  JobSpec spec;
  spec.argv = ConfineWords(DCP_TEST_CONFINE, confinement, kJobEnvironmentFd);
  spec.argv.insert(spec.argv.end(), {"/usr/bin/env"});
  spec.env = {{"LD_PRELOAD", "/no/such.so"}, {"A", "1"}};
  spec.env_is_passed_on = true;
  const std::string out = Run(spec);
  EXPECT_THAT(out, HasSubstr("A=1\n"));
  // The loader says of each program that it starts that it cannot find the object: once.
  const size_t first = out.find("cannot be preloaded");
  EXPECT_NE(first, out.npos) << out;
  EXPECT_EQ(first, out.rfind("cannot be preloaded")) << out;
}

TEST_F(JobEnvironmentTest, AConfinedJobCannotTouchWhatDescribesIt) {
  Confinement confinement;
  confinement.read = {"/usr/bin", "/bin"};
  confinement.write = {Work()};
  JobSpec spec;
  spec.argv = ConfineWords(DCP_TEST_CONFINE, confinement, kJobEnvironmentFd);
  const std::string script =
      "for f in spec launched lock exit process.json new; do "
      "(echo forged > ../$f) 2>/dev/null && echo wrote $f; "
      "rm -f ../$f 2>/dev/null; (mv mine ../$f) 2>/dev/null && echo moved $f; "
      "(ln -s /etc ../$f) 2>/dev/null && echo linked $f; done; "
      "[ -r ../spec ] && cat ../spec 2>/dev/null; echo end";
  spec.argv.insert(spec.argv.end(), {"/bin/sh", "-c", script});
  spec.env = {{"PATH", "/usr/bin:/bin"}};
  spec.env_is_passed_on = true;
  ASSERT_TRUE(WriteFileAtomic(directory_ + "/process.json", "the daemon's").ok());
  ASSERT_TRUE(WriteFileAtomic(Work() + "/mine", "x").ok());
  EXPECT_EQ(Run(spec), "end\n");
  for (const char* name : {"spec", "launched", "lock", "exit"}) {
    const auto text = ReadFile(directory_ + "/" + name, 10'000);
    ASSERT_TRUE(text.ok()) << name << ": " << text.status().ToString();
    EXPECT_NE(*text, "forged\n") << name;
  }
  EXPECT_EQ(ReadFile(directory_ + "/process.json", 100).value(), "the daemon's");
}

TEST(EnvironmentTest, IsReadAsItWasHeld) {
  auto held = HoldEnvironment({{"A", ""}, {"B", "=\n"}, {"LONG", std::string(100'000, 'x')}});
  ASSERT_TRUE(held.ok());
  const auto read = ReadEnvironment(held->Release()).value();
  EXPECT_THAT(read, ElementsAre("A=", "B==\n", "LONG=" + std::string(100'000, 'x')));
  EXPECT_THAT(ReadEnvironment(HoldEnvironment({}).value().Release()).value(), IsEmpty());
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"", "x"}, {"A=B", "x"}, {std::string("A\0B", 3), "x"}, {"A", std::string("\0", 1)}}) {
    EXPECT_EQ(HoldEnvironment({{name, value}}).status().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_FALSE(ReadEnvironment(-1).ok());
}

}  // namespace
}  // namespace dcp::os
