// SPDX-License-Identifier: Apache-2.0
//
// StartRun: limits, playground, node "compile".
#include "api/start_run.h"

#include <google/protobuf/util/json_util.h>
#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/id.h"
#include "base/limits.h"
#include "dcp/v1/dcp.pb.h"

namespace dcp::api {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kCommands = {"apply", "test", "preview", "run"};
constexpr size_t kClientTokenBytesMax = 128;  // a UUID and room for a prefix

using Files = google::protobuf::RepeatedPtrField<v1::File>;

std::string Base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

Status CheckFiles(const Files& files, size_t count_max, const char* what, size_t* total) {
  if (static_cast<size_t>(files.size()) > count_max) {
    return ResourceExhausted(std::to_string(files.size()) + " " + what + " in one run; at most " +
                             std::to_string(count_max) + " are taken")
        .WithId("PZ0902")
        .WithHint("split the command");
  }
  std::set<std::string_view> seen;
  for (const v1::File& file : files) {
    if (file.path().empty() || file.path().size() > kPathBytesMax ||
        file.path().find('\0') != std::string::npos) {
      return InvalidArgument(std::string("one of the ") + what + " has no usable path")
          .WithId("PZ0903");
    }
    if (!seen.insert(file.path()).second) {
      return InvalidArgument(file.path() + " was sent twice").WithId("PZ0903");
    }
    if (file.content().size() > limits::kFileBytesMax) {
      return ResourceExhausted(file.path() + " has " + std::to_string(file.content().size()) +
                               " bytes; at most " + std::to_string(limits::kFileBytesMax) +
                               " are taken")
          .WithId("PZ0902")
          .WithHint("data belongs into a table, not into a manifest");
    }
    *total += file.content().size();
  }
  if (*total <= limits::kRequestBytesMax) return {};
  return ResourceExhausted("the files of this run have " + std::to_string(*total) +
                           " bytes together; at most " + std::to_string(limits::kRequestBytesMax) +
                           " are taken")
      .WithId("PZ0902")
      .WithHint("split the command");
}

Status CheckCommand(const std::string& command) {
  for (const std::string_view known : kCommands) {
    if (command == known) return {};
  }
  const std::string nearest = Nearest(command, kCommands);
  return InvalidArgument("unknown command \"" + command.substr(0, 80) + "\"")
      .WithId("PZ0903")
      .WithHint(nearest.empty() ? "commands are apply, test and run"
                                : "did you mean \"" + nearest + "\"?");
}

Status CheckSources(const Files& manifests, const Files& files) {
  if (manifests.empty()) return InvalidArgument("no manifest was sent").WithId("PZ0903");
  size_t total = 0;
  DCP_TRY(CheckFiles(manifests, limits::kManifestsMax, "manifests", &total));
  return CheckFiles(files, kFilesMax, "files", &total);
}

Status CheckRequest(const v1::StartRunRequest& request) {
  DCP_TRY(CheckCommand(request.command()));
  DCP_TRY(CheckSources(request.manifests(), request.files()));
  if (request.client_token().size() <= kClientTokenBytesMax) return {};
  return InvalidArgument("client_token is longer than " + std::to_string(kClientTokenBytesMax) +
                         " bytes")
      .WithId("PZ0903");
}

Result<json> OptionsJson(const google::protobuf::Struct& options) {
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(options, &text);
  if (!printed.ok()) return InvalidArgument("options cannot be written as JSON").WithId("PZ0903");
  if (text.size() > kOptionsBytesMax) {
    return ResourceExhausted("the options of this command have more than " +
                             std::to_string(kOptionsBytesMax) + " bytes")
        .WithId("PZ0902");
  }
  json value = json::parse(text, nullptr, false);
  return value.is_object() ? value : json::object();
}

json FilesJson(const Files& files) {
  json list = json::array();
  for (const v1::File& file : files) {
    list.push_back({{"path", file.path()}, {"content", Base64(file.content())}});
  }
  return list;
}

Result<store::Playground> PlaygroundOf(const ServiceContext& context,
                                       const playground::Principal& who, const std::string& name) {
  if (!name.empty()) return context.deps.playgrounds->Usable(who, name);
  return InvalidArgument("no playground was named")
      .WithId("PZ0907")
      .WithHint("make one with pretzel playground create NAME, or add --playground NAME");
}

void AddTexts(const json& object, const char* key,
              google::protobuf::RepeatedPtrField<std::string>* out) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return;
  for (const json& text : *list) {
    if (text.is_string()) *out->Add() = text.get<std::string>();
  }
}

std::string TextOf(const json& object, const char* key) {
  const auto text = object.find(key);
  return text != object.end() && text->is_string() ? text->get<std::string>() : std::string();
}

Status ReadOutline(const std::string& text, v1::OutlineManifestsResponse* answer) {
  const json body = json::parse(text, nullptr, false);
  const json needs = body.is_object() ? body.value("needsFiles", json::object()) : json();
  if (needs.is_object()) AddTexts(needs, "paths", answer->mutable_needs_files());
  if (answer->needs_files_size() > 0) return {};
  const json report = body.is_object() ? body.value("report", json::object()) : json();
  const json inner = report.is_object() ? report.value("body", json::object()) : json();
  if (!inner.is_object() || TextOf(report, "kind") != "Outline" || !inner.contains("datasets")) {
    return Unimplemented("the plugin of these manifests does not say which of them belong together")
        .WithHint("name at most " + std::to_string(limits::kManifestsMax) + " in one command");
  }
  for (const json& each : inner["datasets"]) {
    if (!each.is_object()) continue;
    v1::DatasetOutline* dataset = answer->add_datasets();
    dataset->set_path(TextOf(each, "path"));
    dataset->set_name(TextOf(each, "name"));
    AddTexts(each, "reads", dataset->mutable_reads());
    AddTexts(each, "params", dataset->mutable_params());
    dataset->set_sql_file(TextOf(each, "sqlFile"));
  }
  return {};
}

}  // namespace

Status FillOutline(const ServiceContext& context, const playground::Principal& who,
                   const v1::OutlineManifestsRequest& request, std::function<bool()> cancelled,
                   v1::OutlineManifestsResponse* answer) {
  DCP_TRY(CheckSources(request.manifests(), request.files()));
  DCP_ASSIGN(const store::Playground playground, PlaygroundOf(context, who, request.playground()));
  if (!context.deps.invoke) return Unavailable("this daemon hosts no plugins");
  graph::Invocation call;
  call.playground = playground.name;
  call.generation = playground.generation;
  call.principal = who.user;
  call.team = who.team;
  call.environment = who.environment;
  call.capability = "resource";
  call.method = "Compile";
  call.request_json = json{{"context",
                            {{"principal", who.user},
                             {"team", who.team},
                             {"environment", who.environment},
                             {"playground", playground.name},
                             {"catalog", context.settings.catalog_name}}},
                           {"command", "outline"},
                           {"manifests", FilesJson(request.manifests())},
                           {"files", FilesJson(request.files())}}
                          .dump();
  call.deadline = context.deps.clock->Steady() + kOutlineMs;
  call.cancelled = std::move(cancelled);
  DCP_ASSIGN(const std::string text, context.deps.invoke(call));
  return ReadOutline(text, answer);
}

Result<graph::StartRequest> PrepareRun(const ServiceContext& context,
                                       const playground::Principal& who,
                                       const v1::StartRunRequest& request) {
  DCP_TRY(CheckRequest(request));
  DCP_ASSIGN(const store::Playground playground, PlaygroundOf(context, who, request.playground()));
  DCP_ASSIGN(const json options, OptionsJson(request.options()));
  graph::NodeSpec compile;
  compile.id = "compile";
  compile.capability = "resource";
  compile.method = "Compile";
  compile.title = "compile " + std::to_string(request.manifests().size()) +
                  (request.manifests().size() == 1 ? " manifest" : " manifests");
  compile.request_json = json{
      {"command", request.command()},
      {"manifests", FilesJson(request.manifests())},
      {"files", FilesJson(request.files())},
      {"options", options}}.dump();
  graph::StartRequest start;
  start.playground = playground.name;
  start.generation = playground.generation;
  start.principal = who.user;
  start.team = who.team;
  start.environment = who.environment;
  start.command = request.command();
  start.client_token = request.client_token();
  start.nodes.push_back(std::move(compile));
  return start;
}

}  // namespace dcp::api
