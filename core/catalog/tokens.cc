// SPDX-License-Identifier: Apache-2.0
//
// Tokens: base64url(claims as compact JSON) "." base64url(HMAC-SHA256 of the first part).
#include "catalog/tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace dcp::catalog {
namespace {

using Json = nlohmann::json;

/// An HMAC key shorter than its hash is weaker than the hash.
constexpr size_t kKeyBytesMin = 32;
/// Names are short; anything longer is not ours and not worth hashing.
constexpr size_t kTokenBytesMax = 4096;
constexpr size_t kMacBytes = 32;
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string Base64Url(std::string_view bytes) {
  std::string out;
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += kAlphabet[(buffer >> bits) & 63];
    }
  }
  if (bits > 0) out += kAlphabet[(buffer << (6 - bits)) & 63];
  return out;
}

/// False for anything that Base64Url would not have written: a token has one spelling.
bool FromBase64Url(std::string_view text, std::string* out) {
  const std::string_view alphabet(kAlphabet, 64);
  uint32_t buffer = 0;
  int bits = 0;
  out->clear();
  for (const char c : text) {
    const size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return false;
    buffer = (buffer << 6) | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *out += static_cast<char>((buffer >> bits) & 0xff);
    }
  }
  return Base64Url(*out) == text;
}

std::string Mac(const Secret& key, std::string_view text) {
  std::array<unsigned char, kMacBytes> mac{};
  size_t length = 0;
  const unsigned char* result =
      EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.Reveal().data(),
                key.Reveal().size(), reinterpret_cast<const unsigned char*>(text.data()),
                text.size(), mac.data(), mac.size(), &length);
  DCP_CHECK(result != nullptr && length == kMacBytes);  // only fails without memory
  return {reinterpret_cast<const char*>(mac.data()), mac.size()};
}

bool ReadText(const Json& object, const char* key, std::string* out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return false;
  *out = found->get<std::string>();
  return true;
}

bool ReadNumber(const Json& object, const char* key, int64_t* out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return false;
  *out = found->get<int64_t>();
  return true;
}

}  // namespace

Tokens::Tokens(Secret key) : key_(std::move(key)) {
  DCP_CHECK(key_.Reveal().size() >= kKeyBytesMin);
}

Secret Tokens::Issue(const Claims& claims) const {
  const Json json = {{"u", claims.user}, {"p", claims.playground}, {"g", claims.generation},
                     {"m", claims.mode}, {"e", claims.expires_at}, {"r", claims.run_id},
                     {"j", claims.job}};
  const std::string body =
      Base64Url(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return Secret(body + "." + Base64Url(Mac(key_, body)));
}

Result<Claims> Tokens::Verify(const std::string& token, WallMillis now) const {
  if (token.empty()) return Unauthenticated("the token is missing");
  const size_t dot = token.find('.');
  std::string mac;
  std::string text;
  if (token.size() > kTokenBytesMax || dot == std::string::npos ||
      !FromBase64Url(std::string_view(token).substr(dot + 1), &mac) || mac.size() != kMacBytes) {
    return Unauthenticated("the token is malformed");
  }
  const std::string body = token.substr(0, dot);
  const std::string expected = Mac(key_, body);
  if (CRYPTO_memcmp(expected.data(), mac.data(), kMacBytes) != 0) {
    return Unauthenticated("the token was not issued by this installation");
  }
  if (!FromBase64Url(body, &text)) return Unauthenticated("the token is malformed");
  const Json json = Json::parse(text, nullptr, false);
  Claims claims;
  if (!json.is_object() || !ReadText(json, "u", &claims.user) ||
      !ReadText(json, "p", &claims.playground) || !ReadNumber(json, "g", &claims.generation) ||
      !ReadText(json, "m", &claims.mode) || !ReadNumber(json, "e", &claims.expires_at) ||
      !ReadText(json, "r", &claims.run_id) || (claims.mode != "ro" && claims.mode != "rw")) {
    return Unauthenticated("the token is malformed");
  }
  if (claims.expires_at <= now) {
    return Unauthenticated("the token expired at " + FormatTime(claims.expires_at));
  }
  // Tokens of a daemon that knew of no jobs lack it.
  if (json.contains("j") && !ReadText(json, "j", &claims.job)) {
    return Unauthenticated("the token is malformed");
  }
  DCP_TRY(CheckRun(claims));
  return claims;
}

Status Tokens::CheckRun(const Claims& claims) const {
  if (claims.run_id.empty()) return Status::Ok();
  const MutexLock lock(mutex_);
  const auto run = runs_.find(claims.run_id);
  if (run == runs_.end()) {
    return PermissionDenied("the token was made for run " + claims.run_id + ", which has ended");
  }
  if (claims.job.empty() || !run->second.contains(claims.job)) return Status::Ok();
  return PermissionDenied("the token was made for job " + claims.job + " of run " + claims.run_id +
                          ", which has ended");
}

void Tokens::RunLives(const std::string& run_id) {
  const MutexLock lock(mutex_);
  runs_.try_emplace(run_id);
}

void Tokens::JobEnded(const std::string& run_id, const std::string& job) {
  const MutexLock lock(mutex_);
  const auto run = runs_.find(run_id);
  if (run != runs_.end()) run->second.insert(job);
}

void Tokens::RunEnded(const std::string& run_id) {
  const MutexLock lock(mutex_);
  runs_.erase(run_id);
}

std::string BearerToken(std::string_view header) {
  constexpr std::string_view kScheme = "bearer";
  const auto lower = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  };
  const std::string_view scheme = header.substr(0, kScheme.size());
  header.remove_prefix(scheme.size());
  if (!std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(), lower) ||
      !header.starts_with(' ')) {
    return "";
  }
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return std::string(header);
}

}  // namespace dcp::catalog
