// SPDX-License-Identifier: Apache-2.0
//
// reader.h: the example of its comment, and each mistake with its place.
#include "config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dcp::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Result<std::string> Resolve(const std::string& name) {
  if (name == "state") return std::string("/var/lib/pretzel");
  if (name == "calls") return std::string("7");
  return NotFound("no such name").WithHint("known: state, calls");
}

constexpr const char* kExample = R"(# the daemon
api:
  socket: ${state}/api.sock
  maxConcurrent: ${calls}
  ttl: 14d
  cache: 64MiB
  tls: false
  hosts: [a, "b"]
  labels: {team: core}
plugins:
  spark: {path: spark.so, config: {n: 1, f: 1.5, dir: "${state}/x", list: [true, ~]}}
  other: {path: other.so}
services:
  - name: one
  - name: two
literal: $${state}
)";

TEST(ReaderTest, Example) {
  Result<Reader> reader = Reader::Parse(kExample, "dcpd.yaml", Resolve);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  Section root = reader->root();
  Section api = root.Sub("api");
  EXPECT_EQ(api.Text("socket"), "/var/lib/pretzel/api.sock");
  EXPECT_EQ(api.Int("maxConcurrent", {1, 512}, 64), 7);
  EXPECT_EQ(api.Duration("ttl", {1min, 14 * 24h}, 72h), 14 * 24h);
  EXPECT_EQ(api.Bytes("cache", {0, 1 << 30}, 0), 64 << 20);
  EXPECT_EQ(api.Bool("tls", true), false);
  EXPECT_EQ(api.Text("absent", "fallback"), "fallback");
  EXPECT_EQ(api.Choice("absentChoice", {"a", "b"}, "b"), "b");
  EXPECT_THAT(api.Texts("hosts"), ElementsAre("a", "b"));
  EXPECT_EQ(api.TextMap("labels").at("team"), "core");
  std::vector<std::string> plugins;
  for (auto& [name, plugin] : root.Sub("plugins").Sections()) {
    plugins.push_back(name + "=" + plugin.Text("path") + plugin.Json("config"));
  }
  EXPECT_THAT(
      plugins,
      ElementsAre(R"(spark=spark.so{"dir":"/var/lib/pretzel/x","f":1.5,"list":[true,null],"n":1})",
                  "other=other.so{}"));
  std::vector<std::string> services;
  for (const Section& service : root.Subs("services")) services.push_back(service.Text("name"));
  EXPECT_THAT(services, ElementsAre("one", "two"));
  EXPECT_EQ(root.Text("literal"), "${state}");
  EXPECT_FALSE(root.Sub("nothing").Present());
  EXPECT_EQ(api.At("ttl").ToString(), "dcpd.yaml:5:8");
  EXPECT_EQ(reader->Finish(), Status());
}

std::vector<std::string> Mistakes(const std::string& text,
                                  const std::function<void(const Section&)>& read) {
  Result<Reader> reader = Reader::Parse(text, "c.yaml", Resolve);
  if (!reader.ok()) return {reader.status().ToString()};
  read(reader->root());
  std::vector<std::string> out;
  for (const Status& status : reader->FinishAll()) out.push_back(status.ToString());
  return out;
}

TEST(ReaderTest, EachMistakeHasItsPlace) {
  auto mistakes = Mistakes(
      "text: 12\nint: abc\nbig: 700\nbool: yes\nfor: 3 days\nlong: 400d\nsize: 5MB\nref: ${nope}\n"
      "open: ${state\nchoice: blu\nlist: x\nmap: [1]\n",
      [](const Section& root) {
        EXPECT_EQ(root.Text("text", "t"), "t");
        EXPECT_EQ(root.Int("int", {}, 3), 3);
        EXPECT_EQ(root.Int("big", {1, 512}, 64), 64);
        EXPECT_EQ(root.Bool("bool", true), true);
        EXPECT_EQ(root.Duration("for", {}, 5s), 5s);
        EXPECT_EQ(root.Duration("long", {1min, 14 * 24h}, 5min), 5min);
        EXPECT_EQ(root.Bytes("size", {}, 9), 9);
        EXPECT_EQ(root.Text("ref", "r"), "r");
        EXPECT_EQ(root.Text("open", "o"), "o");
        EXPECT_EQ(root.Choice("choice", {"red", "blue"}, "red"), "red");
        EXPECT_TRUE(root.Texts("list").empty());
        EXPECT_FALSE(root.Sub("map").Present());
        EXPECT_EQ(root.Text("required"), "");
      });
  EXPECT_THAT(
      mistakes,
      ElementsAre(
          "c.yaml:1:1: INVALID_ARGUMENT: `required` is missing",
          "c.yaml:1:7: INVALID_ARGUMENT: `text` must be text, found the integer `12` (hint: quote "
          "it: \"12\")",
          "c.yaml:2:6: INVALID_ARGUMENT: `int` must be an integer, found text `abc` (hint: write "
          "it without "
          "quotes and without a unit)",
          "c.yaml:3:6: INVALID_ARGUMENT: `big` is 700; it must be between 1 and 512",
          "c.yaml:4:7: INVALID_ARGUMENT: `bool` must be true or false, found text `yes` (hint: "
          "YAML 1.2 knows "
          "only `true` and `false`, without quotes)",
          "c.yaml:5:6: INVALID_ARGUMENT: `for` must be a duration, found text `3 days` (hint: a "
          "number and a "
          "unit: 500ms, 30s, 15m, 72h or 14d)",
          "c.yaml:6:7: INVALID_ARGUMENT: `long` is 400d; it must be between 1m and 14d",
          "c.yaml:7:7: INVALID_ARGUMENT: `size` must be a size, found text `5MB` (hint: a number "
          "and a unit: "
          "512KiB, 64MiB or 2GiB)",
          "c.yaml:8:6: INVALID_ARGUMENT: cannot resolve `${nope}`: no such name (hint: known: "
          "state, calls)",
          "c.yaml:9:7: INVALID_ARGUMENT: `${` without its `}` (hint: write `$${` for the two "
          "characters "
          "themselves)",
          "c.yaml:10:9: INVALID_ARGUMENT: `choice` must be one of red, blue; found `blu` (hint: "
          "did you mean "
          "`blue`?)",
          "c.yaml:11:7: INVALID_ARGUMENT: `list` must be a list, found text `x` (hint: put each "
          "item on a line "
          "of its own, after `- `)",
          "c.yaml:12:6: INVALID_ARGUMENT: `map` must be a map of keys and values, found a list"));
}

TEST(ReaderTest, UnknownKeysAtEveryDepth) {
  auto mistakes =
      Mistakes("api:\n  sokcet: x\n  socket: y\nextra: {a: 1}\n",
               [](const Section& root) { EXPECT_EQ(root.Sub("api").Text("socket"), "y"); });
  EXPECT_THAT(
      mistakes,
      ElementsAre(
          "c.yaml:2:3: INVALID_ARGUMENT: unknown key `api.sokcet` (hint: did you mean `socket`?)",
          "c.yaml:4:1: INVALID_ARGUMENT: unknown key `extra` (hint: known here: api)"));
}

TEST(ReaderTest, AKeyWithoutValue) {
  EXPECT_THAT(
      Mistakes("a:\nb: 1\n",
               [](const Section& root) {
                 EXPECT_EQ(root.Text("a", "x"), "x");
                 EXPECT_EQ(root.Int("b"), 1);
               }),
      ElementsAre(
          "c.yaml:1:1: INVALID_ARGUMENT: `a` has no value (hint: give it one or remove the key)"));
}

TEST(ReaderTest, WhatIsNoConfiguration) {
  auto nothing = [](const Section&) {};
  EXPECT_THAT(
      Mistakes("a: 1\na: 2\n", nothing),
      ElementsAre(
          "c.yaml:2:1: INVALID_ARGUMENT: duplicate key `a` (hint: it stands in line 1 already)"));
  EXPECT_THAT(
      Mistakes("- a\n", nothing),
      ElementsAre(
          "c.yaml:1:1: INVALID_ARGUMENT: the configuration must be a map of keys and values, found "
          "a list"));
  EXPECT_THAT(
      Mistakes("a: 1\n---\nb: 1\n", nothing),
      ElementsAre(
          "c.yaml:3:1: INVALID_ARGUMENT: the configuration must be one document (hint: remove the "
          "`---`)"));
  EXPECT_THAT(Mistakes("", nothing), ElementsAre());
}

TEST(ReaderTest, FinishCountsTheRest) {
  Result<Reader> reader = Reader::Parse("a: 1\nb: 2\n", "c.yaml");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->Finish().message(), "unknown key `a` (and 1 more)");
}

TEST(ReaderTest, ATemplateKeepsLateReferencesAndQuotesTheRest) {
  const auto resolve = [](const std::string& name) -> Result<std::string> {
    if (name == "secret.a") return std::string("hunter2");
    if (name == "env.A") return std::string("${x}");
    if (name == "env.D") return std::string("$");
    return NotFound("no " + name);
  };
  const Late late = [](const std::string& name) { return name.starts_with("secret."); };
  const auto read = [&](const std::string& value) {
    Result<Reader> reader = Reader::Parse("v: " + value + "\n", "c.yaml", resolve);
    EXPECT_TRUE(reader.ok()) << value;
    const std::string json = reader->root().Template("v", late);
    const Status status = reader->Finish();
    return status.ok() ? json : status.ToString();
  };
  EXPECT_EQ(read("[\"a ${secret.a} b\", 1]"), R"(["a ${secret.a} b",1])");
  EXPECT_EQ(read("{a: \"${env.A}$${y}\"}"), R"({"a":"$${x}$${y}"})");
  EXPECT_EQ(read("\"${env.D}{x}\""), R"("$${x}")");
  EXPECT_EQ(read("\"${secret.b}\""),
            "c.yaml:1:4: INVALID_ARGUMENT: cannot resolve `${secret.b}`: no secret.b");
  EXPECT_EQ(read("\"${env.D}${secret.a}\""),
            "c.yaml:1:4: INVALID_ARGUMENT: a `$` just before `${secret.a}` cannot be told from an "
            "escape (hint: put the `$` into the secret)");
  Result<Reader> empty = Reader::Parse("", "c.yaml");
  EXPECT_EQ(empty->root().Template("v", late), "{}");
}

TEST(ReaderTest, PlacesOfAValueAndAllWithinIt) {
  Result<Reader> reader =
      Reader::Parse("s:\n  v:\n    a: 1\n    b/c~:\n    - x\n    - {d: 2}\n", "c.yaml");
  ASSERT_TRUE(reader.ok());
  const Section section = reader->root().Sub("s");
  std::string all;
  for (const auto& [pointer, place] : section.PlacesOf("v")) {
    all += pointer + " " + place.key.ToString() + " " + place.value.ToString() + "\n";
  }
  EXPECT_EQ(all,
            " c.yaml:2:3 c.yaml:3:5\n"
            "/a c.yaml:3:5 c.yaml:3:8\n"
            "/b~1c~0 c.yaml:4:5 c.yaml:5:5\n"
            "/b~1c~0/0 c.yaml:5:7 c.yaml:5:7\n"
            "/b~1c~0/1 c.yaml:6:7 c.yaml:6:7\n"
            "/b~1c~0/1/d c.yaml:6:8 c.yaml:6:11\n");
  EXPECT_EQ(section.PlacesOf("none").at("").value.ToString(), "c.yaml:2:3");
  EXPECT_EQ(section.Path("v"), "s.v");
}

TEST(ReaderTest, CallersOwnMistake) {
  Result<Reader> reader = Reader::Parse("port: 80\n", "c.yaml");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->root().Int("port"), 80);
  reader->root().Fail("port", "port 80 is taken", "choose another");
  EXPECT_EQ(reader->Finish().ToString(),
            "c.yaml:1:7: INVALID_ARGUMENT: port 80 is taken (hint: choose another)");
}

}  // namespace
}  // namespace dcp::config
