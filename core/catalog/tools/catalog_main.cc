// SPDX-License-Identifier: Apache-2.0
//
// The playground catalog as a program of its own, for tests/integration: settings from a JSON file,
// a real store beside it, and lines of JSON on stdin for what the daemon would do. Tokens go to
// stdout, because whoever starts this owns them; a secret is never an argument.
//
//   catalog_serve SETTINGS.json
//     {"production":{"uri","secret"},"overlay":{"uri","secret"},"warehouse","store","port":0}
//   answers {"port":N}, then one line for each line of stdin; ends with stdin.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "catalog/catalog.h"
#include "store/store.h"

namespace {

using dcp::Status;
using Json = nlohmann::json;
namespace catalog = dcp::catalog;
namespace store = dcp::store;

constexpr size_t kKeyBytes = 32;

struct Parts {
  store::Store& store;
  catalog::Tokens& tokens;
  catalog::Catalog& catalog;
};

Json Failure(const Status& status) {
  return {{"error", {{"code", dcp::CodeName(status.code())}, {"message", status.message()}}}};
}

Json CreatePlayground(const Parts& parts, const Json& call) {
  store::Playground playground;
  playground.name = call.at("name").get<std::string>();
  playground.owner = call.value("owner", "ada");
  playground.created_at = dcp::SystemClock().Wall();
  playground.expires_at = playground.created_at + call.value("ttl_ms", int64_t{3'600'000});
  auto created = parts.store.CreatePlayground(playground);
  if (!created.ok()) return Failure(created.status());
  return {{"generation", created->generation},
          {"endpoint", parts.catalog.EndpointFor(playground.name)}};
}

Json IssueToken(const Parts& parts, const Json& call) {
  const catalog::Claims claims{call.value("user", "ada"),
                               call.at("playground").get<std::string>(),
                               call.value("generation", int64_t{1}),
                               call.value("mode", "rw"),
                               dcp::SystemClock().Wall() + call.value("ttl_ms", int64_t{3'600'000}),
                               call.value("run_id", ""),
                               call.value("job", "")};
  return {{"token", parts.tokens.Issue(claims).Reveal()}};
}

/// What the Graph Runner says of runs.
Json TellOfRun(const Parts& parts, const std::string& verb, const Json& call) {
  const std::string run = call.at("run_id").get<std::string>();
  if (verb == "run_lives") parts.tokens.RunLives(run);
  if (verb == "job_ended") parts.tokens.JobEnded(run, call.at("job").get<std::string>());
  if (verb == "run_ended") parts.tokens.RunEnded(run);
  return Json::object();
}

Json SetState(const Parts& parts, const Json& call) {
  const Status status = parts.store.SetPlaygroundState(
      call.at("playground").get<std::string>(), call.value("generation", int64_t{1}),
      call.at("from").get<std::string>(), call.at("to").get<std::string>());
  return status.ok() ? Json::object() : Failure(status);
}

Json EnsureTable(const Parts& parts, const Json& call, const store::Playground& playground) {
  catalog::TableSpec spec;
  spec.table = call.at("table").get<std::string>();
  for (const Json& column : call.at("columns")) {
    spec.columns.push_back({column.at("name").get<std::string>(),
                            column.at("type").get<std::string>(), column.value("nullable", true),
                            column.value("description", "")});
  }
  spec.partitioning = call.value("partitioning", std::vector<std::string>());
  const Json properties = call.value("properties", Json::object());
  for (const auto& [key, value] : properties.items()) {
    spec.properties.emplace_back(key, value.get<std::string>());
  }
  spec.recreate = call.value("recreate", false);
  auto state = parts.catalog.EnsureTable(playground, spec, {});
  if (!state.ok()) return Failure(state.status());
  return {{"status", state->status},
          {"uuid", state->uuid},
          {"location", state->location},
          {"drift", state->drift}};
}

Json DescribeTable(const Parts& parts, const Json& call, const store::Playground& playground) {
  auto info = parts.catalog.DescribeTable(playground, call.at("table").get<std::string>(), {});
  if (!info.ok()) return Failure(info.status());
  Json columns = Json::array();
  for (const catalog::Column& column : info->columns) {
    columns.push_back(
        {{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}});
  }
  return {{"exists", info->exists},
          {"inOverlay", info->in_overlay},
          {"columns", columns},
          {"snapshotId", info->snapshot_id},
          {"metadataLocation", info->metadata_location}};
}

Json Receipt(const Parts& parts, const Json& call) {
  const auto receipt =
      parts.catalog.ReceiptFor(call.at("playground").get<std::string>(),
                               call.value("generation", int64_t{1}), call.value("mode", "rw"));
  return {{"loads", receipt.loads},     {"lists", receipt.lists}, {"creates", receipt.creates},
          {"commits", receipt.commits}, {"drops", receipt.drops}, {"refused", receipt.refused}};
}

Json Answer(const Parts& parts, const Json& call) {
  const std::string verb = call.at("call").get<std::string>();
  if (verb == "create") return CreatePlayground(parts, call);
  if (verb == "token") return IssueToken(parts, call);
  if (verb == "run_lives" || verb == "job_ended" || verb == "run_ended") {
    return TellOfRun(parts, verb, call);
  }
  if (verb == "state") return SetState(parts, call);
  if (verb == "receipt") return Receipt(parts, call);
  if (verb == "purge") {
    auto dropped = parts.catalog.Purge(call.at("playground").get<std::string>(),
                                       call.value("generation", int64_t{1}), {});
    return dropped.ok() ? Json{{"tables", *dropped}} : Failure(dropped.status());
  }
  auto playground = parts.store.GetPlayground(call.at("playground").get<std::string>());
  if (!playground.ok()) return Failure(playground.status());
  if (verb == "ensure") return EnsureTable(parts, call, *playground);
  if (verb == "describe") return DescribeTable(parts, call, *playground);
  if (verb == "probe") {
    const Status status = parts.catalog.ProbeProductionWrite(*playground, playground->owner);
    return status.ok() ? Json::object() : Failure(status);
  }
  return Failure(dcp::InvalidArgument("no such call: " + verb));
}

int Serve(const Json& given) {
  catalog::Settings settings;
  for (auto [name, upstream] :
       {std::pair{"production", &settings.production}, std::pair{"overlay", &settings.overlay}}) {
    upstream->uri = given.at(name).at("uri").get<std::string>();
    upstream->secret = dcp::Secret(given.at(name).at("secret").get<std::string>());
  }
  settings.overlay_warehouse = given.at("warehouse").get<std::string>();
  settings.port = given.value("port", 0);
  settings.upstream_timeout_ms = given.value("timeout_ms", int64_t{30'000});
  auto opened = store::Store::Open(given.at("store").get<std::string>());
  if (!opened.ok()) {
    std::cerr << opened.status().ToString() << '\n';
    return 1;
  }
  catalog::Tokens tokens{dcp::Secret(dcp::RandomHex(kKeyBytes))};
  auto started = catalog::Catalog::Start(settings, **opened, tokens, dcp::SystemClock());
  if (!started.ok()) {
    std::cerr << started.status().ToString() << '\n';
    return 1;
  }
  std::cout << Json{{"port", (*started)->port()}} << std::endl;
  const Parts parts{**opened, tokens, **started};
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(parts, Json::parse(line)) << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: catalog_serve SETTINGS.json\n";
    return 2;
  }
  try {
    std::ifstream file(argv[1]);
    return Serve(Json::parse(file));
  } catch (const std::exception& error) {
    std::cerr << "catalog_serve: " << error.what() << '\n';
    return 1;
  }
}
