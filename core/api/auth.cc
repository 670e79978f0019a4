// SPDX-License-Identifier: Apache-2.0
//
// Principals: reading the file, making the first one, comparing tokens.
#include "api/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/crash_point.h"
#include "base/id.h"
#include "os/file.h"

namespace dcp::api {
namespace {

using nlohmann::json;

constexpr size_t kFileBytesMax = size_t{1} << 20;  // kPrincipalsMax lines of generous length
constexpr size_t kTokenBytes = 32;                 // 256 bits: not to be guessed
constexpr char kOperator[] = "operator";
constexpr std::string_view kScheme = "Bearer ";

/// OK with `exists` false when there is no such file.
Status CheckPrivate(const std::string& path, bool* exists) {
  struct stat info {};
  *exists = false;
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return FromErrno(errno, "looking at the principals file " + path);
  }
  *exists = true;
  if (!S_ISREG(info.st_mode)) {
    return FailedPrecondition("the principals file " + path + " is not a regular file");
  }
  if ((info.st_mode & 077) != 0 || info.st_uid != geteuid()) {
    return FailedPrecondition("the principals file " + path +
                              " is open to other users, so anyone could be anyone")
        .WithHint("make it yours alone: chmod 600 " + path);
  }
  return {};
}

std::string UnixUser() {
  std::string buffer(4096, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    return found->pw_name;
  }
  return "uid-" + std::to_string(geteuid());
}

std::string Hex(const unsigned char* bytes, size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Status Wrong(const Location& at, const std::string& what) {
  return InvalidArgument(what).At(at).WithHint(
      R"(a line is {"user":"…","team":"…","environment":"…","token_sha256":"…"})");
}

}  // namespace

Principals::Digest Principals::Sha256(std::string_view text) {
  Digest digest{};
  const std::string bytes(text);
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

Result<Principals> Principals::LoadOrCreate(const std::string& path,
                                            const std::string& token_path) {
  bool exists = false;
  DCP_TRY(CheckPrivate(path, &exists));
  if (!exists) {
    const std::string token = RandomHex(kTokenBytes);
    const Digest digest = Sha256(token);
    const json entry = {{"user", UnixUser()},
                        {"team", ""},
                        {"environment", "local"},
                        {"role", kOperator},
                        {"token_sha256", Hex(digest.data(), digest.size())}};
    // The token first: a start that dies in between makes a new pair, rather than leaving a
    // principal that nobody can be.
    DCP_TRY(os::WriteFileAtomic(token_path, token + "\n", 0600));
    DCP_CRASH_POINT("start.token.written");
    DCP_TRY(os::WriteFileAtomic(path, entry.dump() + "\n", 0600));
  }
  DCP_ASSIGN(const std::string text, os::ReadFile(path, kFileBytesMax));
  return Parse(text, path);
}

Result<Principals> Principals::Parse(std::string_view text, const std::string& name) {
  Principals principals;
  std::set<Digest> seen;
  int32_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    const Location at{name, number, 1};
    if (principals.entries_.size() == kPrincipalsMax) {
      return Wrong(at, "more than " + std::to_string(kPrincipalsMax) + " principals");
    }
    DCP_ASSIGN(Entry entry, ParseLine(line, at));
    if (!seen.insert(entry.digest).second) {
      return Wrong(at, "an earlier line has the same token_sha256");
    }
    principals.entries_.push_back(std::move(entry));
  }
  return principals;
}

Result<Principals::Entry> Principals::ParseLine(const std::string& line, const Location& at) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Wrong(at, "this line is not a JSON object");
  std::map<std::string, std::string> fields = {
      {"user", ""}, {"team", ""}, {"environment", ""}, {"role", ""}, {"token_sha256", ""}};
  for (const auto& [key, value] : object.items()) {
    if (!fields.contains(key)) return Wrong(at, "unknown key \"" + key + "\"");
    if (!value.is_string()) return Wrong(at, "\"" + key + "\" is not a text");
    fields[key] = value.get<std::string>();
  }
  if (fields["user"].empty()) return Wrong(at, "\"user\" is missing or empty");
  const std::string& hex = fields["token_sha256"];
  Entry entry;
  const std::string& role = fields["role"];
  if (!role.empty() && role != kOperator) {
    return Wrong(at, "\"role\" is not \"operator\", the only one there is");
  }
  entry.who = {fields["user"], fields["team"], fields["environment"], role == kOperator};
  bool good = hex.size() == entry.digest.size() * 2;
  for (size_t i = 0; good && i < entry.digest.size(); ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    entry.digest[i] = static_cast<unsigned char>((high << 4 | low) & 0xFF);
  }
  if (!good) return Wrong(at, "\"token_sha256\" is not 64 lower-case hex digits");
  return entry;
}

Result<playground::Principal> Principals::Authenticate(std::string_view header) const {
  if (header.empty()) {
    return Unauthenticated("this call carries no token")
        .WithId("PZ0901")
        .WithHint("set PRETZEL_TOKEN, or PRETZEL_TOKEN_FILE to the file that dcpd wrote");
  }
  if (header.substr(0, kScheme.size()) != kScheme) {
    return Unauthenticated("the authorization header is not of the form \"Bearer TOKEN\"")
        .WithId("PZ0901");
  }
  const Digest digest = Sha256(header.substr(kScheme.size()));
  const Entry* match = nullptr;
  for (const Entry& entry : entries_) {  // all of them: the time says nothing about which
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) match = &entry;
  }
  if (match == nullptr) {
    return Unauthenticated("this daemon does not know the token")
        .WithId("PZ0901")
        .WithHint("use the token file that this very dcpd wrote, or ask its operator for one");
  }
  return match->who;
}

}  // namespace dcp::api
