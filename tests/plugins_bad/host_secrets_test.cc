// SPDX-License-Identifier: Apache-2.0
//
// A plugin that tells its secrets, by mistake, in every way that it has to speak.
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host_fixture.h"
#include "log/log.h"

namespace dcp::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOwnSecret[] = "5f0c1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1";
/// Parts are as bad as the whole: what a cut leaves of either.
constexpr const char* kTold[] = {"5f0c1e2d3c4b5a69", "788796a5b4c3d2e1", "0123456789abcdefghij",
                                 "tuvwxyzABCDEFG"};

/// What this process writes to stderr while it lives: the daemon's log.
class StderrCapture {
 public:
  StderrCapture() : saved_(::dup(STDERR_FILENO)), file_(std::tmpfile()) {
    log::Flush();
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  StderrCapture(const StderrCapture&) = delete;
  StderrCapture& operator=(const StderrCapture&) = delete;
  ~StderrCapture() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    std::fclose(file_);
  }
  std::string Text() {
    log::Flush();
    std::string text;
    std::array<char, 4096> bytes{};
    std::rewind(file_);
    for (size_t n = 0; (n = std::fread(bytes.data(), 1, bytes.size(), file_)) > 0;) {
      text.append(bytes.data(), n);
    }
    return text;
  }

 private:
  const int saved_;
  std::FILE* const file_;
};

class HostSecretsTest : public HostFixture {
 protected:
  void TearDown() override {
    HostFixture::TearDown();
    host_.reset();
    std::filesystem::remove_all(settings_.store_directory);
  }
  void StartTells(const std::string& isolation) {
    settings_.secrets = [](const std::string& reference) -> Result<Secret> {
      if (reference == "secret.own") return Secret(kOwnSecret);
      return NotFound("no such secret");
    };
    settings_.deaths_max = 1;
    settings_.store_directory = ::testing::TempDir() + "/dcp_secrets_" + std::to_string(getpid());
    settings_.instances.resize(2);
    settings_.instances[1].isolation = isolation;
    Start("tells", R"({"token":"${secret.own}"})");
  }
  std::string Journal() {
    std::string text;
    const auto journal = host_->JournalOf("bad").value();
    for (const JournalLine& line : journal->Read(0, 10'000).lines) {
      text += line.source + ": " + line.text + "\n";
    }
    return text;
  }
  static void ExpectNothingTold(const std::string& where, const std::string& text) {
    for (const char* told : kTold) EXPECT_THAT(text, Not(HasSubstr(told))) << where;
  }
  Status Call(const std::string& method, std::string* progress) {
    CallOptions options;
    options.on_progress = [&](const std::string& text) { *progress = text; };
    return BadStatus(method, options);
  }
};

TEST_F(HostSecretsTest, NothingThatItSaysHoldsThem) {
  StderrCapture log;
  StartTells(kIsolationWorker);
  std::string progress;
  const Status failed = Call("Compile", &progress);
  EXPECT_EQ(failed.message(), "message (secret) (secret)");
  EXPECT_EQ(failed.hint(), "hint (secret)");
  EXPECT_EQ(progress, R"json({"progress":"(secret) (secret)"})json");
  const Status died = Call("Analyze", &progress);
  EXPECT_EQ(died.code(), Code::kUnavailable);
  EXPECT_THAT(died.log_tail(), HasSubstr("dying with (secret)"));
  ExpectNothingTold("the failure", died.ToString());
  host_->States();
  ExpectNothingTold("the state", StateOf("bad").detail);

  const std::string journal = Journal();
  for (const char* said : {"stdout: out (secret) (secret).", "stderr: err (secret) (secret).",
                           "plugin: log (secret) (secret).",
                           R"json(stdout: basic eD(secret) url )json"
                           R"json({"u":"http:\/\/h\u0026t=(secret)"}.)json"}) {
    EXPECT_THAT(journal, HasSubstr(said));
  }
  ExpectNothingTold("plugin logs", journal);
  const std::string written = log.Text();
  EXPECT_THAT(written, HasSubstr("err (secret) (secret)."));
  ExpectNothingTold("the daemon's log", written);
}

TEST_F(HostSecretsTest, NorInTheDaemonsOwnProcess) {
  StderrCapture log;
  StartTells(kIsolationInProcess);
  std::string progress;
  const Status failed = Call("Compile", &progress);
  EXPECT_EQ(failed.message(), "message (secret) (secret)") << failed.ToString();
  EXPECT_EQ(progress, R"json({"progress":"(secret) (secret)"})json");
  EXPECT_THAT(Journal(), HasSubstr("plugin: log (secret) (secret)."));
  ExpectNothingTold("plugin logs", Journal());
}

}  // namespace
}  // namespace dcp::host
