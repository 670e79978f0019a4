// SPDX-License-Identifier: Apache-2.0
//
// The only place that knows libcurl.
#include "catalog_names.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

namespace dcp::spark_connect {
namespace {

using nlohmann::json;

constexpr long kHttpOk = 200;  // NOLINT: curl wants long

// Percent-encodes what is not unreserved in RFC 3986.
std::string Encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

// The levels of a namespace in one segment, parted by the unit separator.
std::string EncodeLevels(const Levels& levels) {
  std::string out;
  for (const std::string& level : levels) {
    if (!out.empty()) out += "%1F";
    out += Encode(level);
  }
  return out;
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

size_t OnBody(char* data, size_t size, size_t count, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size * count > kNamesBytesMax) return 0;  // curl ends the transfer
  body.append(data, size * count);
  return size * count;
}

int OnProgress(void* scope, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const CallScope*>(scope)->cancelled() ? 1 : 0;
}

struct CloseHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// The last level of a namespace, or a table's name; empty when the entry is neither.
std::string NameOf(const json& entry, NameKind kind) {
  if (kind == NameKind::kTables) {
    if (!entry.is_object()) return {};
    const auto name = entry.find("name");
    return name != entry.end() && name->is_string() ? name->get<std::string>() : std::string();
  }
  if (!entry.is_array() || entry.empty() || !entry.back().is_string()) return {};
  return entry.back().get<std::string>();
}

}  // namespace

std::string NamesUrl(const std::string& base, NameKind kind, const Levels& levels,
                     const std::string& page_token) {
  std::string url = base;
  while (url.ends_with('/')) url.pop_back();
  url += "/v1/namespaces";
  if (kind == NameKind::kTables) url += "/" + EncodeLevels(levels) + "/tables";
  // An empty token asks for the first page; without one, servers that can page do not.
  url += "?pageSize=" + std::to_string(kNamesPerPage) + "&pageToken=" + Encode(page_token);
  if (kind == NameKind::kNamespaces && !levels.empty()) url += "&parent=" + EncodeLevels(levels);
  return url;
}

std::optional<NamesPage> ReadNamesPage(const std::string& body, NameKind kind) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return std::nullopt;
  const auto list = answer.find(kind == NameKind::kTables ? "identifiers" : "namespaces");
  if (list == answer.end() || !list->is_array()) return std::nullopt;
  NamesPage page;
  for (const json& entry : *list) {
    std::string name = NameOf(entry, kind);
    if (!name.empty() && !HasControl(name)) page.names.push_back(std::move(name));
  }
  const auto next = answer.find("next-page-token");
  if (next != answer.end() && next->is_string()) page.next = next->get<std::string>();
  return page;
}

CatalogNames::CatalogNames(const std::vector<MountSpec>& mounts, CallScope& scope)
    : mounts_(mounts),
      scope_(scope),
      deadline_(std::min(scope.deadline(),
                         CallScope::Clock::now() + std::chrono::milliseconds(kNamesTimeoutMs))) {}

std::optional<Names> CatalogNames::List(size_t mount, NameKind kind, const Levels& levels) {
  if (mount >= mounts_.size()) return std::nullopt;
  Names names;
  std::string token;
  do {
    if (pages_left_-- <= 0) break;  // the names so far are better than none
    const auto body = Get(mounts_[mount], NamesUrl(mounts_[mount].uri, kind, levels, token));
    if (!body) return std::nullopt;
    auto page = ReadNamesPage(*body, kind);
    if (!page) return std::nullopt;
    std::move(page->names.begin(), page->names.end(), std::back_inserter(names));
    token = std::move(page->next);
  } while (!token.empty() && names.size() < kNamesMax);
  if (names.size() > kNamesMax) names.resize(kNamesMax);
  return names;
}

std::optional<std::string> CatalogNames::Get(const MountSpec& mount, const std::string& url) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - CallScope::Clock::now());
  // A line feed in a token would become a header of its own.
  if (left.count() <= 0 || scope_.cancelled() || HasControl(mount.token)) return std::nullopt;
  static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CloseHandle> curl(kOnce == CURLE_OK ? curl_easy_init() : nullptr);
  const std::string header = "x-pretzel-token: " + mount.token;
  const std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, header.c_str()));
  if (!curl || !headers) return std::nullopt;
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  // The token is for this endpoint alone: neither a redirect nor a proxy may see it.
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS,
                   static_cast<long>(left.count()));  // NOLINT: curl wants long
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &scope_);
  const CURLcode result = curl_easy_perform(curl.get());
  long status = 0;  // NOLINT: curl wants long
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (result != CURLE_OK || status != kHttpOk) return std::nullopt;
  return body;
}

}  // namespace dcp::spark_connect
