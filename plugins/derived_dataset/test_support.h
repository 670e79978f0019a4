// SPDX-License-Identifier: Apache-2.0
//
// What the tests of this plugin share: requests as the host sends them, and findings as text.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "json_io.h"
#include "service.h"

namespace dcp::derived_dataset {

inline std::string ToBase64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto byte = [&](size_t at) -> unsigned {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    unsigned bits = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    out += kDigits[bits >> 18U];
    out += kDigits[(bits >> 12U) & 63U];
    out += i + 1 < bytes.size() ? kDigits[(bits >> 6U) & 63U] : '=';
    out += i + 2 < bytes.size() ? kDigits[bits & 63U] : '=';
  }
  return out;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

using Files = std::vector<std::pair<std::string, std::string>>;

inline Json FilesJson(const Files& files) {
  Json list = Json::array();
  for (const auto& [path, content] : files)
    list.push_back({{"path", path}, {"content", ToBase64(content)}});
  return list;
}

inline Json Call(const std::string& method, const Json& request) {
  Answer answer = Handle(method, request.dump());
  EXPECT_EQ(answer.message, "");
  return answer.body.empty() ? Json() : Json::parse(answer.body);
}

inline Json CompileRequest(const std::string& command, const Files& manifests,
                           const Json& options = Json::object(), const Files& files = {}) {
  return {{"context", {{"catalog", "prod"}, {"playground", "p"}}},
          {"command", command},
          {"manifests", FilesJson(manifests)},
          {"files", FilesJson(files)},
          {"options", options}};
}

inline Json Compile(const std::string& command, const Files& manifests,
                    const Json& options = Json::object(), const Files& files = {}) {
  return Call("Compile", CompileRequest(command, manifests, options, files));
}

/// "file:line:column: SEVERITY CODE message (hint)", a line each.
inline std::string Show(const Json& response) {
  std::string out;
  for (const Json& finding : Member(Member(response, "report"), "findings")) {
    Place place = PlaceFromJson(Member(finding, "location"));
    if (!place.file.empty()) {
      out +=
          place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
    }
    out += TextOf(finding, "severity") + " " + TextOf(finding, "code") + " " +
           TextOf(finding, "message");
    std::string hint = TextOf(finding, "hint");
    out += hint.empty() ? "\n" : " (" + hint + ")\n";
  }
  return out;
}

/// "id: capability.Method after a, b", a line each.
inline std::string ShowGraph(const Json& response) {
  std::string out;
  for (const Json& node : Member(Member(response, "graph"), "nodes")) {
    out += TextOf(node, "id") + ": " + TextOf(node, "capability") + "." + TextOf(node, "method");
    std::string after;
    for (const Json& id : Member(node, "after"))
      after += (after.empty() ? " after " : ", ") + id.get<std::string>();
    out += after + (FlagOf(node, "always") ? " (always)" : "") + "\n";
  }
  return out;
}

inline const Json& NodeOf(const Json& response, const std::string& id) {
  for (const Json& node : Member(Member(response, "graph"), "nodes")) {
    if (TextOf(node, "id") == id) return node;
  }
  ADD_FAILURE() << "no node " << id;
  return Member(response, "");
}

/// The Continue node's request, with these outputs, as the host would send it.
inline Json ContinueWith(const Json& response, const std::string& id, const Json& outputs) {
  Json request = Member(NodeOf(response, id), "request");
  request["context"] = {{"catalog", "prod"}};
  request["outputs"] = outputs;
  return Call("Continue", request);
}

inline Json Ok(const std::string& node, const Json& response = Json::object()) {
  return {{"nodeId", node}, {"state", "SUCCEEDED"}, {"response", response}};
}
inline Json Failed(const std::string& node, const std::string& message,
                   const std::string& id = "") {
  return {{"nodeId", node},
          {"state", "FAILED"},
          {"errorCode", "UNAVAILABLE"},
          {"error", {{"id", id}, {"message", message}, {"hint", "look at the daemon's log"}}}};
}
inline Json Ended(const std::string& node, const std::string& state) {
  return {{"nodeId", node}, {"state", state}};
}

}  // namespace dcp::derived_dataset
