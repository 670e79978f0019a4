// SPDX-License-Identifier: Apache-2.0
//
// The configuration reader: every getter over any text. A mistake has a place; without mistakes
// every value is within the bounds that were asked for.
#include <chrono>
#include <string>

#include "config/reader.h"
#include "fuzz.h"

namespace {

using dcp::config::Reader;
using dcp::config::Section;
using namespace std::chrono_literals;

dcp::Result<std::string> Resolve(const std::string& reference) {
  if (reference == "env.X") return std::string("x");
  if (reference == "port.a") return std::string("8080");
  if (reference.empty()) return dcp::InvalidArgument("a reference without a name");
  return dcp::NotFound("there is no " + reference);
}

bool IsLate(const std::string& reference) { return reference == "env.X"; }

void ReadAll(const Section& root) {
  (void)root.Text("state_dir");
  const auto format = root.Sub("log").Choice("format", {"text", "json"}, "text");
  FUZZ_CHECK(format == "text" || format == "json");
  const int64_t threads = root.Sub("catalog").Int("threads", {1, 64}, 8);
  FUZZ_CHECK(threads >= 1 && threads <= 64);
  const int64_t port = root.Sub("catalog").Int("port", {0, 65535}, 0);
  FUZZ_CHECK(port >= 0 && port <= 65535);
  const auto ttl = root.Sub("playground").Duration("ttl", {1min, 336h}, 72h);
  FUZZ_CHECK(ttl >= 1min && ttl <= 336h);
  const int64_t cache = root.Bytes("cache", {0, 1 << 30}, 1 << 20);
  FUZZ_CHECK(cache >= 0 && cache <= 1 << 30);
  (void)root.Bool("flag", false);
  (void)root.Texts("directories");
  for (const auto& [key, value] : root.TextMap("env")) FUZZ_CHECK(!key.empty() || value.empty());
  for (const Section& sub : root.Subs("instances")) {
    (void)sub.Text("id");
    FUZZ_CHECK(!sub.Json("config").empty());
    FUZZ_CHECK(!sub.Template("config", IsLate).empty());
    for (const auto& [pointer, place] : sub.PlacesOf("config")) {
      FUZZ_CHECK(place.value.line >= 1 && place.value.column >= 1);
    }
  }
  for (const auto& [name, sub] : root.Sub("plugins").Sections()) (void)sub.Text(name, "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reader = Reader::Parse(dcp::fuzz::Text(data, size), "dcpd.yaml", Resolve);
  if (!reader.ok()) {
    FUZZ_CHECK(reader.status().code() == dcp::Code::kInvalidArgument);
    FUZZ_CHECK(reader.status().location().file == "dcpd.yaml");
    FUZZ_CHECK(reader.status().location().line >= 1);
    return 0;
  }
  ReadAll(reader->root());
  for (const dcp::Status& mistake : reader->FinishAll()) {
    FUZZ_CHECK(!mistake.ok() && !mistake.message().empty());
    FUZZ_CHECK(mistake.location().line >= 1 && mistake.location().column >= 1);
  }
  return 0;
}
