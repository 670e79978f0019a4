// SPDX-License-Identifier: Apache-2.0
#include "api/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/id.h"

namespace dcp::api {
namespace {

// SHA-256 of "secret".
constexpr char kHash[] = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

class AuthTest : public ::testing::Test {
 protected:
  AuthTest() { std::filesystem::create_directories(folder_); }
  ~AuthTest() override { std::filesystem::remove_all(folder_); }
  std::string Line(const std::string& user, const std::string& hash) const {
    return R"({"user":")" + user + R"(","team":"t","environment":"dev","token_sha256":")" + hash +
           "\"}\n";
  }
  const std::string folder_ = ::testing::TempDir() + "auth-" + RandomHex(6);
  const std::string file_ = folder_ + "/principals.jsonl";
  const std::string token_file_ = folder_ + "/token";
};

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST_F(AuthTest, FirstStartMakesOnePrincipalAndItsTokenForThisUserAlone) {
  const auto first = Principals::LoadOrCreate(file_, token_file_);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->size(), 1U);
  EXPECT_EQ(ModeOf(file_), 0600U);
  EXPECT_EQ(ModeOf(token_file_), 0600U);
  std::string token;
  std::ifstream(token_file_) >> token;
  ASSERT_GE(token.size(), 64U);
  ASSERT_TRUE(first->Authenticate("Bearer " + token).ok());
  EXPECT_TRUE(first->Authenticate("Bearer " + token)->is_operator);
  std::stringstream principals;
  principals << std::ifstream(file_).rdbuf();
  EXPECT_EQ(principals.str().find(token), std::string::npos) << "the token itself is kept";
  // The second start changes nothing.
  const auto second = Principals::LoadOrCreate(file_, token_file_);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->Authenticate("Bearer " + token).ok());
}

TEST_F(AuthTest, ASecondPrincipalIsASecondLine) {
  const auto principals = Principals::Parse(
      "# people\n\n" + Line("ana", kHash) + Line("bo", std::string(64, 'a')), "p.jsonl");
  ASSERT_TRUE(principals.ok()) << principals.status().ToString();
  const auto who = principals->Authenticate("Bearer secret");
  ASSERT_TRUE(who.ok());
  EXPECT_EQ(who->user, "ana");
  EXPECT_EQ(who->team, "t");
  EXPECT_EQ(who->environment, "dev");
}

TEST_F(AuthTest, RefusesMissingMalformedAndUnknownTokensWithoutRepeatingThem) {
  const auto principals = Principals::Parse(Line("ana", kHash), "p.jsonl");
  ASSERT_TRUE(principals.ok());
  for (const std::string header : {"", "secret", "Basic secret", "Bearer ", "Bearer wrong-token",
                                   "bearer secret", "Bearer secret "}) {
    const auto who = principals->Authenticate(header);
    ASSERT_FALSE(who.ok()) << header;
    EXPECT_EQ(who.status().code(), Code::kUnauthenticated) << header;
    EXPECT_EQ(who.status().ToString().find("wrong-token"), std::string::npos);
  }
}

TEST_F(AuthTest, RefusesAFileThatOthersMayRead) {
  ASSERT_TRUE(Principals::LoadOrCreate(file_, token_file_).ok());
  for (const mode_t mode : {0640U, 0604U, 0620U}) {
    ASSERT_EQ(chmod(file_.c_str(), mode), 0);
    const auto loaded = Principals::LoadOrCreate(file_, token_file_);
    ASSERT_FALSE(loaded.ok()) << std::oct << mode;
    EXPECT_EQ(loaded.status().code(), Code::kFailedPrecondition);
    EXPECT_NE(loaded.status().hint().find("chmod 600 " + file_), std::string::npos);
  }
}

TEST_F(AuthTest, NamesTheLineThatIsWrong) {
  const std::string good = Line("ana", kHash);
  for (const std::string& bad :
       {std::string("user: bo\n"), std::string("[]\n"), Line("", std::string(64, 'b')),
        Line("bo", "abc"), Line("bo", std::string(64, 'G')),
        std::string(R"({"user":"bo","tokn":"x"})"), std::string(R"({"user":7})"), good}) {
    const auto parsed = Principals::Parse(good + bad, "p.jsonl");
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.status().location().ToString(), "p.jsonl:2:1") << bad;
  }
}

TEST_F(AuthTest, TakesAsManyPrincipalsAsItSaysAndNoMore) {
  std::string text;
  for (size_t i = 0; i < kPrincipalsMax; ++i) {
    std::string hash = std::to_string(i);
    text += Line("u" + hash, std::string(64 - hash.size(), '0') + hash);
  }
  EXPECT_TRUE(Principals::Parse(text, "p").ok());
  EXPECT_FALSE(Principals::Parse(text + Line("more", kHash), "p").ok());
}

TEST_F(AuthTest, NobodyIsAnOperatorUnlessTheFileSaysSo) {
  const auto parse = [](const std::string& role) {
    return Principals::Parse(
        R"({"user":"ana","token_sha256":")" + std::string(kHash) + "\"" + role + "}", "p");
  };
  for (const char* wrong : {R"(,"role":"root")", R"(,"role":"Operator")", R"(,"role":true)"}) {
    EXPECT_FALSE(parse(wrong).ok()) << wrong;
  }
  EXPECT_TRUE(parse(R"(,"role":"operator")")->Authenticate("Bearer secret")->is_operator);
  EXPECT_FALSE(parse("")->Authenticate("Bearer secret")->is_operator);
  EXPECT_FALSE(parse(R"(,"role":"")")->Authenticate("Bearer secret")->is_operator);
}

}  // namespace
}  // namespace dcp::api
