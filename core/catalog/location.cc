// SPDX-License-Identifier: Apache-2.0
//
// The canonicaliser of locations.
#include "catalog/location.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace dcp::catalog {
namespace {

/// Longer than any object store allows; a bound for what is compared.
constexpr size_t kLocationBytesMax = 8192;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status Refuse(std::string_view location, std::string_view why) {
  std::string shown;  // control characters would let a location write lines into a log
  for (const char c : location.substr(0, 200)) {
    shown += std::iscntrl(static_cast<unsigned char>(c)) != 0 ? '?' : c;
  }
  return InvalidArgument("the location \"" + shown + "\" " + std::string(why));
}

/// "" when `text` has no well-formed scheme; lower case otherwise.
std::string SchemeOf(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return "";
  std::string scheme;
  for (const char c : text.substr(0, colon)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+' && c != '-' && c != '.') {
      return "";
    }
    scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (std::isalpha(static_cast<unsigned char>(scheme[0])) == 0) return "";
  return scheme == "s3a" || scheme == "s3n" ? "s3" : scheme;
}

Result<std::string> DecodePercent(std::string_view location, std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? HexDigit(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? HexDigit(path[i + 2]) : -1;
    if (high < 0 || low < 0) return Refuse(location, "has a broken percent escape");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('%') != std::string::npos) return Refuse(location, "is percent-encoded twice");
  return out;
}

Status CheckCharacters(std::string_view location, std::string_view text) {
  for (const char c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0 || c == '\\') {
      return Refuse(location, "holds a control character or a backslash");
    }
    if (c == '?' || c == '#') return Refuse(location, "has a query or a fragment");
  }
  return Status::Ok();
}

/// `path` without empty and "." segments, ".." resolved; joined with a leading slash each.
Result<std::string> ResolveSegments(std::string_view location, std::string_view path) {
  std::vector<std::string_view> kept;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    start = end + 1;
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      kept.push_back(segment);
    } else if (kept.empty()) {
      return Refuse(location, "climbs above its root");
    } else {
      kept.pop_back();
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  return out.empty() ? std::string("/") : out;
}

}  // namespace

Result<std::string> CanonicalLocation(std::string_view location, Percent percent) {
  if (location.size() > kLocationBytesMax) {
    return Refuse(location, "is longer than " + std::to_string(kLocationBytesMax) + " bytes");
  }
  DCP_TRY(CheckCharacters(location, location));
  const std::string scheme = SchemeOf(location);
  if (scheme.empty()) return Refuse(location, "is not absolute: it has no scheme such as file:");
  std::string_view rest = location.substr(location.find(':') + 1);
  if (rest.empty() || rest[0] != '/') return Refuse(location, "is not absolute");

  std::string authority;
  if (rest.size() >= 2 && rest[1] == '/' && !(rest.size() >= 3 && rest[2] == '/')) {
    const size_t end = std::min(rest.find('/', 2), rest.size());
    authority = std::string(rest.substr(2, end - 2));
    rest = rest.substr(end);
  }
  if (scheme == "file" && !authority.empty()) return Refuse(location, "names another host");
  if (scheme != "file" && authority.empty()) return Refuse(location, "names no host or bucket");
  if (authority.find_first_of("@%") != std::string::npos) {
    return Refuse(location, "carries a credential or an escape in its host");
  }
  std::string path(rest);
  if (percent == Percent::kDecode) {
    DCP_ASSIGN(path, DecodePercent(location, rest));
    DCP_TRY(CheckCharacters(location, path));
  }
  DCP_ASSIGN(std::string resolved, ResolveSegments(location, path));
  return scheme + "://" + authority + resolved;
}

bool IsWithin(std::string_view location, std::string_view root) {
  for (const Percent percent : {Percent::kDecode, Percent::kKeep}) {
    const Result<std::string> child = CanonicalLocation(location, percent);
    const Result<std::string> parent = CanonicalLocation(root, percent);
    if (!child.ok() || !parent.ok()) return false;
    const std::string prefix = parent->ends_with('/') ? *parent : *parent + "/";
    if (*child != *parent && !child->starts_with(prefix)) return false;
  }
  return true;
}

bool IsSameLocation(std::string_view a, std::string_view b) {
  return IsWithin(a, b) && IsWithin(b, a);
}

Result<std::string> LocalPath(std::string_view location) {
  DCP_ASSIGN(const std::string canonical, CanonicalLocation(location, Percent::kKeep));
  constexpr std::string_view kPrefix = "file://";
  if (!canonical.starts_with(kPrefix)) {
    return Refuse(location, "is not on this machine: only file: locations are");
  }
  return canonical.substr(kPrefix.size());
}

}  // namespace dcp::catalog
