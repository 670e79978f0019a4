// SPDX-License-Identifier: Apache-2.0
//
// What a catalog request says before its body: target, namespace, table, route, location, token.
#include <algorithm>
#include <string>

#include "catalog/location.h"
#include "catalog/names.h"
#include "catalog/router.h"
#include "catalog/tokens.h"
#include "catalog/url.h"
#include "fuzz.h"

namespace {

using namespace dcp::catalog;  // NOLINT: one room, and its words are plain here

constexpr dcp::WallMillis kNow = 1'700'000'000'000;

void CheckTarget(std::string_view text) {
  const auto target = ParseTarget(text);
  if (!target.ok()) {
    FUZZ_CHECK(target.status().code() == dcp::Code::kInvalidArgument);
    FUZZ_CHECK(!target.status().message().empty());
    return;
  }
  FUZZ_CHECK(text.starts_with('/'));
  std::string spelled;
  for (const std::string& segment : target->segments) {
    FUZZ_CHECK(!segment.empty() && segment != "." && segment != "..");
    FUZZ_CHECK(segment.find('\0') == std::string::npos);
    spelled += "/" + EncodeSegment(segment);
  }
  // What is passed on means what was judged.
  const auto again = ParseTarget(spelled.empty() ? "/" : spelled);
  FUZZ_CHECK(again.ok() && again->segments == target->segments);
  for (const char* method : {"GET", "HEAD", "POST", "DELETE", "PUT"}) {
    const auto route = FindRoute(method, target->segments);
    if (!route.ok()) continue;
    FUZZ_CHECK(std::string(method) != "PUT");
    FUZZ_CHECK(route->mutates || (std::string(method) != "DELETE"));
    FUZZ_CHECK(route->levels.size() <= kNamespaceLevelsMax);
    for (const std::string& level : route->levels) FUZZ_CHECK(!level.empty());
  }
}

void CheckNames(std::string_view text) {
  const auto levels = SplitNamespace(text);
  if (levels.ok()) {
    FUZZ_CHECK(!levels->empty() && levels->size() <= kNamespaceLevelsMax);
    const auto target = ParseTarget("/" + EncodeNamespace(*levels));
    // Only a NUL and a namespace that is nothing but dots cannot be asked for.
    if (target.ok()) {
      const auto again = SplitNamespace(target->segments.at(0));
      FUZZ_CHECK(again.ok() && *again == *levels);
    } else {
      FUZZ_CHECK(text.find('\0') != std::string_view::npos || text == "." || text == "..");
    }
  }
  const auto table = ParseTableName(text);
  if (!table.ok()) {
    FUZZ_CHECK(!table.status().message().empty());
    return;
  }
  FUZZ_CHECK(Display(*table) == text);
  const std::string folder = "file:///w/pg/p-1";
  const std::string location = NewTableLocation(folder, *table);
  FUZZ_CHECK(IsAssignedLocation(location, folder, *table));
  FUZZ_CHECK(IsWithin(location, folder));
  FUZZ_CHECK(!IsAssignedLocation(location, "file:///w/pg/p-2", *table));
}

void CheckLocation(std::string_view text) {
  for (const Percent percent : {Percent::kDecode, Percent::kKeep}) {
    const auto canonical = CanonicalLocation(text, percent);
    if (!canonical.ok()) continue;
    FUZZ_CHECK(canonical->find("/../") == std::string::npos && !canonical->ends_with("/.."));
    if (percent == Percent::kKeep) {
      const auto again = CanonicalLocation(*canonical, percent);
      FUZZ_CHECK(again.ok() && *again == *canonical);
    }
  }
  const std::string root = "file:///w/pg/p-1/ns/t-0";
  if (IsWithin(text, root)) {
    const auto path = LocalPath(text);
    FUZZ_CHECK(path.ok());
    FUZZ_CHECK(*path == "/w/pg/p-1/ns/t-0" || path->starts_with("/w/pg/p-1/ns/t-0/"));
  }
}

void CheckTokens(std::string_view text) {
  static const Tokens tokens{dcp::Secret(std::string(32, 'k'))};
  static const Tokens others{dcp::Secret(std::string(32, 'o'))};
  const auto foreign = tokens.Verify(std::string(text), kNow);
  if (!foreign.ok()) {
    FUZZ_CHECK(foreign.status().code() == dcp::Code::kUnauthenticated);
    // The message never holds what was sent (shorter texts may be a word of it).
    FUZZ_CHECK(text.size() < 60 || foreign.status().message().find(text) == std::string::npos);
  }
  Claims claims;
  claims.user = std::string(text.substr(0, 64));
  claims.playground = "p";
  claims.generation = 7;
  claims.mode = text.size() % 2 == 0 ? "ro" : "rw";
  claims.expires_at = kNow + 1;
  const std::string token = tokens.Issue(claims).Reveal();
  const auto own = tokens.Verify(token, kNow);
  FUZZ_CHECK(own.ok() && own->mode == claims.mode && own->generation == 7);
  FUZZ_CHECK(!tokens.Verify(token, kNow + 1).ok());
  FUZZ_CHECK(!others.Verify(token, kNow).ok());
  // Any one byte changed, dropped or added makes it another token.
  const size_t at =
      (text.size() * 31 + (text.empty() ? 0 : static_cast<uint8_t>(text[0]))) % token.size();
  std::string changed = token;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  FUZZ_CHECK(!tokens.Verify(changed, kNow).ok());
  FUZZ_CHECK(!tokens.Verify(token.substr(0, at), kNow).ok());
  FUZZ_CHECK(!tokens.Verify(token + std::string(text.substr(0, 1)), kNow).ok() || text.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = dcp::fuzz::Text(data, size);
  CheckTarget(text);
  CheckNames(text);
  CheckLocation(text);
  CheckTokens(text);
  return 0;
}
