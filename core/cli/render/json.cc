// SPDX-License-Identifier: Apache-2.0
//
// The JSON contract of -o json.
#include "cli/render/json.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "schema/outline.h"

namespace dcp::cli {
namespace {

using Json = nlohmann::ordered_json;

Json Document(const std::string& kind) { return {{"apiVersion", "dcp/v1"}, {"kind", kind}}; }

/// Text that is not UTF-8 (a server's words) is replaced, never thrown at the reader.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void PutTime(Json& json, const char* key, int64_t time) {
  if (time != 0) json[key] = FormatTime(time);
}

void PutText(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

Json FromStruct(const google::protobuf::Struct& value) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(value, &text).ok()) return Json::object();
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

void Fill(const v1::Playground& playground, Json& json) {
  json["name"] = playground.name();
  json["state"] = playground.state();
  json["owner"] = playground.owner();
  PutText(json, "team", playground.team());
  PutText(json, "environment", playground.environment());
  json["generation"] = playground.generation();
  PutTime(json, "createdAt", playground.created_at_ms());
  PutTime(json, "expiresAt", playground.expires_at_ms());
  PutTime(json, "purgedAt", playground.purge_at_ms());
  Json labels = Json::object();
  const std::map<std::string, std::string> sorted(playground.labels().begin(),
                                                  playground.labels().end());
  for (const auto& [key, value] : sorted) labels[key] = value;
  json["labels"] = labels;
  if (playground.datasets().empty()) return;
  json["datasets"] = Json::array();
  for (const v1::Dataset& dataset : playground.datasets()) {
    Json entry = {{"name", dataset.name()}, {"kind", dataset.kind()}};
    entry["specHash"] = dataset.spec_hash();
    PutTime(entry, "updatedAt", dataset.updated_at_ms());
    json["datasets"].push_back(entry);
  }
}

Json NodeOf(const v1::RunNode& node) {
  Json json = {{"id", node.id()}, {"capability", node.capability()}, {"method", node.method()}};
  PutText(json, "title", node.title());
  json["state"] = node.state();
  PutTime(json, "startedAt", node.started_at_ms());
  PutTime(json, "finishedAt", node.finished_at_ms());
  PutText(json, "detail", node.detail());
  PutText(json, "error", node.error_message());
  return json;
}

void FillRunFacts(const v1::Run& run, Json& json) {
  json["runId"] = run.id();
  json["command"] = run.command();
  json["playground"] = run.playground();
  json["state"] = run.state();
  PutTime(json, "createdAt", run.created_at_ms());
  PutTime(json, "finishedAt", run.finished_at_ms());
  if (run.finished_at_ms() != 0) json["durationMs"] = run.finished_at_ms() - run.created_at_ms();
  if (run.cancel_requested()) json["cancelRequested"] = true;
  if (run.playground_deleted()) json["playgroundDeleted"] = true;
}

void FillRunRest(const v1::Run& run, Json& json) {
  if (!run.needs_files().empty()) {
    json["needsFiles"] =
        std::vector<std::string>(run.needs_files().begin(), run.needs_files().end());
  }
  if (!run.error_message().empty()) {
    Json error = {{"status", run.error_code()}, {"message", run.error_message()}};
    PutText(error, "code", run.error().id());
    PutText(error, "hint", run.error().hint());
    json["error"] = error;
  }
  if (run.nodes().empty()) return;
  json["nodes"] = Json::array();
  for (const v1::RunNode& node : run.nodes()) json["nodes"].push_back(NodeOf(node));
}

}  // namespace

std::string PlaygroundJson(const v1::Playground& playground) {
  Json json = Document("Playground");
  Fill(playground, json);
  return Dump(json);
}

std::string PlaygroundsJson(const v1::ListPlaygroundsResponse& list) {
  Json json = Document("PlaygroundList");
  json["items"] = Json::array();
  for (const v1::Playground& playground : list.playgrounds()) {
    Json item = Json::object();
    Fill(playground, item);
    json["items"].push_back(item);
  }
  return Dump(json);
}

std::string RunJson(const v1::Run& run) {
  if (!run.has_report()) {
    Json json = Document("Run");
    FillRunFacts(run, json);
    FillRunRest(run, json);
    return Dump(json);
  }
  const Json report = FromStruct(run.report());
  Json json = Document(report.value("kind", "Report"));
  json["status"] = report.value("status", run.state());
  FillRunFacts(run, json);
  json["findings"] = report.contains("findings") ? report["findings"] : Json::array();
  if (report.contains("body") && report["body"].is_object()) {
    for (const auto& [key, value] : report["body"].items()) {
      if (!json.contains(key)) json[key] = value;
    }
  }
  FillRunRest(run, json);
  return Dump(json);
}

std::string RunsOfCommandJsonBegin(const std::string& command, const std::string& playground,
                                   size_t manifests) {
  Json json = Document("Reports");
  json["command"] = command;
  json["playground"] = playground;
  json["manifests"] = manifests;
  std::string text = Dump(json);
  text.erase(text.rfind('\n', text.size() - 2));  // up to the brace that closes it
  return text + ",\n  \"reports\": [\n";
}

std::string RunsOfCommandJsonEnd(const std::string& status, size_t runs,
                                 const std::map<std::string, int64_t>& datasets,
                                 size_t manifests_left) {
  Json json = Json::object();
  json["status"] = status;
  json["runs"] = runs;
  json["datasets"] = datasets;
  json["manifestsLeft"] = manifests_left;
  return "],\n" + Dump(json).substr(2);
}

std::string RunsJson(const v1::ListRunsResponse& list) {
  Json json = Document("RunList");
  json["items"] = Json::array();
  for (const v1::Run& run : list.runs()) {
    Json item = Json::object();
    FillRunFacts(run, item);
    json["items"].push_back(item);
  }
  return Dump(json);
}

std::string DeletionPreviewJson(const v1::DeletionPreview& preview) {
  Json json = Document("DeletionPreview");
  json["playground"] = preview.playground().name();
  json["generation"] = preview.playground().generation();
  json["tables"] = std::vector<std::string>(preview.tables().begin(), preview.tables().end());
  json["files"] = preview.files();
  json["bytes"] = preview.bytes();
  json["datasets"] = std::vector<std::string>(preview.datasets().begin(), preview.datasets().end());
  json["runs"] = Json::array();
  for (const v1::Run& run : preview.runs()) {
    json["runs"].push_back(
        {{"runId", run.id()}, {"command", run.command()}, {"state", run.state()}});
  }
  json["jobFolders"] = Json::array();
  for (const v1::JobFolder& folder : preview.job_folders()) {
    json["jobFolders"].push_back(
        {{"path", folder.path()}, {"files", folder.files()}, {"bytes", folder.bytes()}});
  }
  return Dump(json);
}

std::string SweepJson(const v1::SweepResponse& sweep, bool dry_run) {
  Json json = Document("SweepReport");
  json["dryRun"] = dry_run;
  json["items"] = Json::array();
  for (const v1::SweepItem& item : sweep.items()) {
    json["items"].push_back({{"action", item.action()},
                             {"kind", item.kind()},
                             {"name", item.name()},
                             {"reason", item.reason()},
                             {"tables", item.tables()},
                             {"files", item.files()},
                             {"bytes", item.bytes()}});
  }
  json["failures"] = std::vector<std::string>(sweep.failures().begin(), sweep.failures().end());
  json["more"] = sweep.more();
  return Dump(json);
}

std::string GcJson(const v1::GcResponse& gc, bool dry_run) {
  Json json = Document("GcReport");
  json["dryRun"] = dry_run;
  json["runs"] = gc.runs();
  json["bytes"] = gc.bytes();
  json["failures"] = std::vector<std::string>(gc.failures().begin(), gc.failures().end());
  return Dump(json);
}

std::string ConnectJson(const v1::ConnectPlaygroundResponse& connect) {
  Json json = Document("PlaygroundConnection");
  json["catalog"] = connect.catalog();
  json["uri"] = connect.uri();
  json["token"] = connect.token();
  PutTime(json, "expiresAt", connect.expires_at_ms());
  PutText(json, "namespace", connect.namespace_hint());
  return Dump(json);
}

std::string DoctorJson(const v1::DoctorResponse& doctor) {
  Json json = Document("DoctorReport");
  json["checks"] = Json::array();
  for (const v1::Check& check : doctor.checks()) {
    Json item = {{"name", check.name()}, {"layer", check.layer()}, {"result", check.result()}};
    PutText(item, "detail", check.detail());
    PutText(item, "advice", check.advice());
    json["checks"].push_back(item);
  }
  return Dump(json);
}

std::string StatusJson(const v1::GetStatusResponse& status) {
  Json json = Document("DaemonStatus");
  json["version"] = status.version();
  PutText(json, "catalogUri", status.catalog_uri());
  json["services"] = Json::array();
  for (const v1::ServiceStatus& service : status.services()) {
    Json item = {{"name", service.name()}, {"state", service.state()}};
    if (service.pid() != 0) item["pid"] = service.pid();
    PutText(item, "endpoint", service.endpoint());
    item["restarts"] = service.restarts();
    PutText(item, "detail", service.detail());
    json["services"].push_back(item);
  }
  json["plugins"] = Json::array();
  for (const v1::PluginStatus& plugin : status.plugins()) {
    Json item = {{"instance", plugin.instance()}, {"plugin", plugin.plugin()}};
    PutText(item, "version", plugin.version());
    item["isolation"] = plugin.isolation();
    item["state"] = plugin.state();
    if (plugin.pid() != 0) item["pid"] = plugin.pid();
    item["restarts"] = plugin.restarts();
    PutText(item, "detail", plugin.detail());
    item["capabilities"] =
        std::vector<std::string>(plugin.capabilities().begin(), plugin.capabilities().end());
    json["plugins"].push_back(item);
  }
  return Dump(json);
}

std::string PluginMetricsJson(const v1::GetPluginMetricsResponse& metrics,
                              const std::vector<PluginRates>& rates, int64_t interval_ms) {
  Json json = Document("PluginMetrics");
  json["intervalMs"] = interval_ms;
  json["items"] = Json::array();
  for (int i = 0; i < metrics.instances_size(); ++i) {
    const v1::PluginMetrics& each = metrics.instances(i);
    const PluginRates& rate = rates.at(static_cast<size_t>(i));
    Json item = {{"instance", each.instance()}, {"plugin", each.plugin()}};
    PutText(item, "version", each.version());
    item["isolation"] = each.isolation();
    item["state"] = each.state();
    item["callsPerSecond"] = rate.calls_per_second;
    item["errorsPerSecond"] = rate.errors_per_second;
    for (const auto& [key, seconds] :
         {std::pair("p50Ms", rate.p50), {"p95Ms", rate.p95}, {"p99Ms", rate.p99}}) {
      if (seconds) item[key] = *seconds * 1000;
    }
    item["calls"] = each.calls();
    item["errors"] = each.errors();
    item["errorsByCode"] = Json::object();
    for (const v1::CodeCount& count : each.errors_by_code()) {
      item["errorsByCode"][count.code()] = count.count();
    }
    item["open"] = each.open();
    item["queued"] = each.queued();
    item["restarts"] = each.restarts();
    if (each.pid() != 0) {
      item["pid"] = each.pid();
      item["rssBytes"] = each.rss_bytes();
      item["cpuSeconds"] = each.cpu_seconds();
      if (rate.cpu_percent) item["cpuPercent"] = *rate.cpu_percent;
      if (each.has_open_fds()) item["openFds"] = each.open_fds();
    }
    json["items"].push_back(item);
  }
  return Dump(json);
}

std::string PluginLogLineJson(const std::string& instance, const v1::PluginLogLine& line) {
  Json json = Document("PluginLogLine");
  json["instance"] = instance;
  json["time"] = line.time();
  json["level"] = line.level();
  json["source"] = line.source();
  json["text"] = line.text();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ReloadJson(const v1::ReloadResponse& reload) {
  Json json = Document("ConfigReload");
  const auto put = [&](const char* name, const auto& items) {
    json[name] = std::vector<std::string>(items.begin(), items.end());
  };
  put("kept", reload.kept());
  put("started", reload.started());
  put("restarted", reload.restarted());
  put("stopped", reload.stopped());
  put("failed", reload.failed());
  put("routes", reload.routes());
  put("settings", reload.settings());
  put("needsRestart", reload.needs_restart());
  return Dump(json);
}

std::string PluginDescriptionJson(const v1::DescribePluginResponse& plugin) {
  const auto value = [](const std::string& text) { return Json::parse(text, nullptr, false); };
  Json json = Document("PluginDescription");
  json["id"] = plugin.id();
  json["version"] = plugin.version();
  if (plugin.config_schema_json().empty()) return Dump(json);
  json["configSchema"] = value(plugin.config_schema_json());
  json["keys"] = Json::array();
  for (const schema::Key& key : schema::Keys(plugin.config_schema_json())) {
    Json entry = {{"path", key.path}, {"required", key.required}};
    PutText(entry, "type", key.type);
    if (key.secret) entry["secret"] = true;
    if (!key.fallback.empty()) entry["default"] = value(key.fallback);
    for (const std::string& allowed : key.allowed) entry["allowed"].push_back(value(allowed));
    for (const std::string& bound : key.bounds) entry["bounds"].push_back(bound);
    for (const std::string& example : key.examples) entry["examples"].push_back(value(example));
    PutText(entry, "description", key.description);
    json["keys"].push_back(std::move(entry));
  }
  json["snippet"] = schema::Snippet(plugin.id(), plugin.config_schema_json());
  return Dump(json);
}

std::string WhoAmIJson(const v1::WhoAmIResponse& who) {
  Json json = Document("Principal");
  json["user"] = who.user();
  json["team"] = who.team();
  json["environment"] = who.environment();
  json["daemonVersion"] = who.daemon_version();
  return Dump(json);
}

std::string VersionJson(const std::string& version) {
  Json json = Document("Version");
  json["version"] = version;
  return Dump(json);
}

std::string ErrorExplanationJson(const ErrorEntry& entry) {
  Json json = Document("ErrorExplanation");
  json["id"] = entry.id;
  json["block"] = entry.block;
  json["meaning"] = entry.meaning;
  json["whatToDo"] = entry.action;
  return Dump(json);
}

std::string ConfigJson(const std::vector<std::pair<std::string, Setting>>& settings) {
  Json json = Document("Config");
  for (const auto& [name, setting] : settings) {
    json[name] = {{"value", setting.value}, {"origin", setting.origin}};
  }
  return Dump(json);
}

}  // namespace dcp::cli
