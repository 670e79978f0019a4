// SPDX-License-Identifier: Apache-2.0
//
// Reading plugins' files and manifests, whole and damaged.
#include "host/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "host/elf.h"
#include "host/elf_builder.h"

namespace dcp::host {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGood[] = R"({"id":"emr","version":"1.2.0","encoding":"protobuf",
  "capabilities":[{"name":"run_backend","major":1,"minor":0,"methods":["Submit","Check"]}],
  "config_schema":{"type":"object"},"from_the_future":true})";

class ManifestFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "dcp_manifest_" + std::to_string(getpid()) + ".so";
    elf_.manifest = kGood;
    elf_.exported = {"dcp_plugin_v1"};
    elf_.imported = {"malloc"};
  }
  void TearDown() override { std::remove(path_.c_str()); }

  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  Status StatusOf(const std::string& bytes) {
    Write(bytes);
    return ReadManifest(path_).status();
  }

  ElfBuilder elf_;
  std::string path_;
};

TEST_F(ManifestFileTest, ReadsAGoodFile) {
  Write(elf_.Build());
  const auto manifest = ReadManifest(path_);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->id, "emr");
  EXPECT_EQ(manifest->version, "1.2.0");
  EXPECT_EQ(manifest->encoding, Encoding::kProtobuf);
  ASSERT_NE(manifest->FindCapability("run_backend"), nullptr);
  EXPECT_THAT(manifest->FindCapability("run_backend")->methods, ElementsAre("Submit", "Check"));
  EXPECT_EQ(manifest->FindCapability("resource"), nullptr);
  EXPECT_THAT(ReadElf(path_)->exported, ElementsAre("dcp_plugin_v1"));
}

TEST_F(ManifestFileTest, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(StatusOf("").message(), HasSubstr("is not an ELF file"));
  EXPECT_THAT(StatusOf("#!/bin/sh\n").message(), HasSubstr("is not an ELF file"));
  const std::string good = elf_.Build();
  std::string bad = good;
  bad[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(StatusOf(bad).message(), HasSubstr("not a 64-bit ELF file"));
  bad = good;
  bad[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV);
  bad[offsetof(Elf64_Ehdr, e_machine) + 1] = 0;
  EXPECT_THAT(StatusOf(bad).message(), HasSubstr("is built for riscv, this machine is"));
  bad = good;
  bad[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  EXPECT_THAT(StatusOf(bad).message(), HasSubstr("is not a shared object"));
  EXPECT_EQ(ReadManifest("/nowhere/x.so").status().code(), Code::kNotFound);
  EXPECT_THAT(ReadManifest("/").status().message(), HasSubstr("not a regular file"));
}

TEST_F(ManifestFileTest, EveryCutIsAnErrorAndNoCrash) {
  size_t size = elf_.Build().size();
  Write(elf_.Build());
  while (size-- > 0) {
    std::filesystem::resize_file(path_, size);
    const Status status = ReadManifest(path_).status();
    ASSERT_EQ(status.code(), Code::kInvalidArgument) << size << ": " << status.ToString();
  }
}

TEST_F(ManifestFileTest, EveryDamagedByteIsTakenWell) {
  const std::string good = elf_.Build();
  std::mt19937 random(20260101);  // any seed; fixed, so that a failure comes back
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    std::string bad = good;
    for (int i = 0; i < 4; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    Write(bad);
    if (!ReadManifest(path_).ok()) ++refused;
  }
  EXPECT_GT(refused, 30);
}

TEST_F(ManifestFileTest, HugeSectionsAreRefusedBeforeTheyAreRead) {
  elf_.manifest.append(kManifestBytesMax - elf_.manifest.size(), ' ');
  EXPECT_TRUE(StatusOf(elf_.Build()).ok());  // n
  elf_.manifest += ' ';
  EXPECT_THAT(StatusOf(elf_.Build()).message(), HasSubstr("the limit is 1048576"));  // n+1
}

TEST_F(ManifestFileTest, NamesAMissingEntryAnotherMajorAndAMissingSection) {
  elf_.exported = {"main"};
  EXPECT_THAT(StatusOf(elf_.Build()).message(), HasSubstr("does not export dcp_plugin_v1"));
  elf_.exported = {};
  elf_.imported = {"dcp_plugin_v1"};  // wanting it is not having it
  EXPECT_THAT(StatusOf(elf_.Build()).message(), HasSubstr("does not export dcp_plugin_v1"));
  elf_.exported = {"dcp_plugin_v3"};
  EXPECT_THAT(StatusOf(elf_.Build()).message(),
              AllOf(HasSubstr("plugin ABI 3"), HasSubstr("this host has ABI 1")));
  elf_.exported = {"dcp_plugin_v1", "dcp_plugin_v3"};
  EXPECT_TRUE(StatusOf(elf_.Build()).ok());
  elf_.with_manifest = false;
  EXPECT_THAT(StatusOf(elf_.Build()).message(), HasSubstr("has no section .dcp.manifest"));
}

TEST(ManifestTest, NamesTheKeyAtFault) {
  const struct {
    const char* json;
    const char* reason;
  } cases[] = {
      {"", "not valid JSON"},
      {"{", "not valid JSON"},
      {"[]", "not a JSON object"},
      {"{}", "lacks the key \"id\""},
      {R"({"id":"a","id":"b"})", "has the key \"id\" twice"},
      {R"({"id":""})", "\"id\" must be a non-empty string"},
      {R"({"id":"../x"})", "\"id\" must be [a-z]"},
      {R"({"id":"a"})", "lacks the key \"version\""},
      {R"({"id":"a","version":"1"})", "lacks the key \"encoding\""},
      {R"({"id":"a","version":"1","encoding":"xml"})", "\"json\" or \"protobuf\", and is \"xml\""},
      {R"({"id":"a","version":"1","encoding":"json"})", "lacks the key \"capabilities\""},
      {R"({"id":"a","version":"1","encoding":"json","capabilities":[]})", "a non-empty list"},
      {R"({"id":"a","version":"1","encoding":"json","capabilities":["x"]})", "a list of objects"},
      {R"({"id":"a","version":"1","encoding":"json","capabilities":[{"name":"x"}]})",
       "capability x: the manifest lacks the key \"major\""},
      {R"({"id":"a","version":"1","encoding":"json",
           "capabilities":[{"name":"x","major":2,"minor":0,"methods":["A"]}]})",
       "has major version 2, this host speaks 1"},
      {R"({"id":"a","version":"1","encoding":"json",
           "capabilities":[{"name":"x","major":1,"minor":0}]})",
       "capability x: the key \"methods\" is missing"},
      {R"({"id":"a","version":"1","encoding":"json",
           "capabilities":[{"name":"x","major":1,"minor":0,"methods":["A","A"]}]})",
       "lists the method \"A\" twice"},
      {R"({"id":"a","version":"1","encoding":"json",
           "capabilities":[{"name":"x","major":1,"minor":0,"methods":["A"]},
                           {"name":"x","major":1,"minor":0,"methods":["B"]}]})",
       "has the capability \"x\" twice"},
  };
  for (const auto& c : cases) {
    const Status status = ParseManifest(c.json, "x.so").status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.json;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("x.so"), HasSubstr(c.reason))) << c.json;
  }
  EXPECT_TRUE(ParseManifest(kGood, "x.so").ok());
}

TEST(ManifestTest, ARuntimeOfItsOwnIsDeclaredByOneOfTwoWords) {
  const auto with = [](const std::string& value) {
    return ParseManifest(
        R"({"id":"p","encoding":"json","version":"1","language_runtime":)" + value +
            R"(,"capabilities":[{"name":"x","major":1,"minor":0,"methods":["A"]}]})",
        "p.so");
  };
  EXPECT_EQ(ParseManifest(kGood, "x.so")->language_runtime, LanguageRuntime::kNative);
  EXPECT_EQ(with("\"native\"")->language_runtime, LanguageRuntime::kNative);
  EXPECT_EQ(with("\"managed\"")->language_runtime, LanguageRuntime::kManaged);
  EXPECT_THAT(with("\"jvm\"").status().message(),
              HasSubstr(R"("language_runtime" must be "native" or "managed", and is "jvm")"));
  EXPECT_THAT(with("1").status().message(), HasSubstr("must be a non-empty string"));
}

TEST(ManifestTest, TheSchemaOfItsConfigurationIsCheckedBeforeAnythingRuns) {
  const auto with = [](const std::string& schema) {
    return ParseManifest(
        R"({"id":"p","encoding":"json","version":"1","config_schema":)" + schema +
            R"(,"capabilities":[{"name":"x","major":1,"minor":0,"methods":["A"]}]})",
        "p.so");
  };
  // As it was written: the order of its keys is that of the documentation.
  EXPECT_EQ(with(R"({"type":"object","properties":{"z":{},"a":{}}})")->config_schema,
            R"({"type":"object","properties":{"z":{},"a":{}}})");
  EXPECT_EQ(ParseManifest(kGood, "x.so")->config_schema, R"({"type":"object"})");
  EXPECT_EQ(with("{}")->config_schema, "{}");
  const struct {
    const char* schema;
    const char* reason;
  } cases[] = {
      {"null", "\"config_schema\" must be a JSON Schema: an object"},
      {"true", "\"config_schema\" must be a JSON Schema: an object"},
      {"[]", "\"config_schema\" must be a JSON Schema: an object"},
      {R"({"type":"text"})", "\"config_schema\": `type`: must be one or more of"},
      {R"({"type":"object","type":"object"})", "has the key \"type\" twice"},
      {R"({"properties":{"a":{"$ref":"http://example.org/a.json"}}})", "nothing is fetched"},
      {R"({"$ref":"#"})", "leads back to itself"},
  };
  for (const auto& c : cases) {
    const Status status = with(c.schema).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.schema;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("p.so: "), HasSubstr(c.reason))) << c.schema;
  }
}

TEST(ManifestTest, TheLimitOfItsDepthHolds) {
  const auto nested = [](int depth) {  // the manifest itself is the first level
    const auto levels = static_cast<size_t>(depth - 1);
    return ParseManifest(
               R"({"id":"p","encoding":"json","version":"1","note":)" + std::string(levels, '[') +
                   std::string(levels, ']') +
                   R"(,"capabilities":[{"name":"x","major":1,"minor":0,"methods":["A"]}]})",
               "p.so")
        .status();
  };
  EXPECT_TRUE(nested(kManifestDepthMax).ok()) << nested(kManifestDepthMax).ToString();
  EXPECT_THAT(nested(kManifestDepthMax + 1).message(), HasSubstr("nests more than 100 deep"));
  EXPECT_THAT(nested(400'000).message(), HasSubstr("nests more than 100 deep"));
}

// Both stand in tables and log lines, and a method without a name can be called by nobody.
TEST(ManifestTest, NamesOfMethodsAndTheVersionAreOneWord) {
  const auto with = [](const std::string& version, const std::string& method) {
    return ParseManifest(R"({"id":"p","encoding":"json","version":")" + version +
                             R"(","capabilities":[{"name":"resource","major":1,"minor":0,)" +
                             R"("methods":[")" + method + R"("]}]})",
                         "p.so")
        .status();
  };
  EXPECT_TRUE(with("1.0-rc1+x", "Compile_2").ok());
  EXPECT_TRUE(with(std::string(64, '1'), std::string(64, 'm')).ok());
  for (const std::string& method : {std::string(), std::string("2x"), std::string("a b"),
                                    std::string("a\\n"), std::string(65, 'm')}) {
    EXPECT_THAT(with("1", method).message(), HasSubstr("\"methods\" must be")) << method;
  }
  for (const std::string& version :
       {std::string("1 0"), std::string("1\\n0"), std::string("\xC3\xA9"), std::string(65, '1')}) {
    EXPECT_THAT(with(version, "A").message(), HasSubstr("\"version\" must be")) << version;
  }
}

}  // namespace
}  // namespace dcp::host
