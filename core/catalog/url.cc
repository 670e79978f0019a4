// SPDX-License-Identifier: Apache-2.0
//
// Request targets, parsed and made.
#include "catalog/url.h"

#include <algorithm>
#include <cctype>

namespace dcp::catalog {
namespace {

constexpr char kLevelSeparator = '\x1f';

Status ParseQuery(std::string_view text, std::map<std::string, std::string>* query) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    DCP_ASSIGN(std::string key, DecodeText(pair.substr(0, equals)));
    DCP_ASSIGN(std::string value, DecodeText(pair.substr(std::min(equals + 1, pair.size()))));
    if (!query->emplace(std::move(key), std::move(value)).second) {
      return InvalidArgument("the request names a query parameter twice");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> DecodeText(std::string_view text) {
  const auto digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else if (i + 2 < text.size() && digit(text[i + 1]) && digit(text[i + 2])) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      return InvalidArgument("the request path has a broken percent escape");
    }
    if (out.back() == '\0') return InvalidArgument("the request path holds a NUL");
  }
  return out;
}

Result<Target> ParseTarget(std::string_view target) {
  Target parsed;
  const size_t question = std::min(target.find('?'), target.size());
  if (question < target.size()) DCP_TRY(ParseQuery(target.substr(question + 1), &parsed.query));
  std::string_view path = target.substr(0, question);
  if (path.empty() || path[0] != '/' || path.find('#') != std::string_view::npos) {
    return InvalidArgument("the request path is not absolute");
  }
  path.remove_prefix(1);
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    DCP_ASSIGN(std::string segment, DecodeText(path.substr(0, end)));
    if (segment.empty()) return InvalidArgument("the request path has an empty segment");
    // A server behind us would resolve these, and see another path than the one judged here.
    if (segment == "." || segment == "..") {
      return InvalidArgument("the request path has a segment of dots");
    }
    parsed.segments.push_back(std::move(segment));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parsed;
}

Result<Levels> SplitNamespace(std::string_view joined) {
  Levels levels(1);
  for (const char c : joined) {
    if (c == kLevelSeparator) {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  DCP_TRY(CheckLevels(levels));
  return levels;
}

std::string EncodeSegment(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string EncodeNamespace(const std::vector<std::string>& levels) {
  std::string out;
  for (const std::string& level : levels) {
    if (!out.empty()) out += "%1F";
    out += EncodeSegment(level);
  }
  return out;
}

}  // namespace dcp::catalog
