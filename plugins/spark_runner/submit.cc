// SPDX-License-Identifier: Apache-2.0
//
// Builds the process of a job: spark-submit with three files beside it. The catalog's token stands
// in one of them (0600, written by the host), never in the command line or the environment.
#include "submit.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base64.h"
#include "properties.h"

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;
using Properties = std::map<std::string, std::string>;

/// After TERM, Spark runs its shutdown hooks and coreetl.py writes a result; both take seconds.
constexpr int kStopGraceMs = 20'000;
constexpr char kPropertiesFile[] = "spark.properties";
constexpr char kLogFile[] = "log4j2.properties";
constexpr char kSpecFile[] = "spec.json";
constexpr char kResultFile[] = "result.json";
/// One file for both: spark-submit passes Python's stderr, with the job's progress, on to stdout.
constexpr char kOutputFile[] = "output";
/// What a job may need of the system: a shell for spark-submit's scripts, and java.
constexpr char kPath[] = "/usr/local/bin:/usr/bin:/bin";

/// At Spark's own default (info) a job logs plans and thousands of lines.
constexpr char kLogProperties[] =
    "rootLogger.level = warn\n"
    "rootLogger.appenderRef.stderr.ref = stderr\n"
    "appender.stderr.type = Console\n"
    "appender.stderr.name = stderr\n"
    "appender.stderr.target = SYSTEM_ERR\n"
    "appender.stderr.layout.type = PatternLayout\n"
    "appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex\n"
    "logger.native.name = org.apache.hadoop.util.NativeCodeLoader\n"
    "logger.native.level = error\n";

struct Mount {
  std::string name;
  std::string uri;
  std::string token;
  std::string mode;
};

/// What Submit reads of its request.
struct Request {
  std::string catalog;  ///< first part of the table's name
  std::string table;    ///< as SQL writes it
  std::string sql;
  std::string materialization;
  std::string run_id;
  std::string directory;
  int64_t deadline_ms = 0;
  Json params = Json::array();
  Json columns = Json::array();
  std::vector<Mount> mounts;
};

sdk::Error Bad(const std::string& why) {
  return {.code = DCP_INVALID_ARGUMENT, .message = "cannot submit the job: " + why};
}

/// Absent and null fields read as their type's zero, as protobuf's JSON mapping says.
std::string Text(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

const Json& Child(const Json& json, const char* key) {
  static const Json kNone = Json::object();
  const auto at = json.find(key);
  return at != json.end() && !at->is_null() ? *at : kNone;
}

int64_t Int64(const Json& json, const char* key) {
  const Json& value = Child(json, key);
  if (value.is_number_integer()) return value.get<int64_t>();
  int64_t number = 0;
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool IsWord(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!ok) return false;
  }
  return true;
}

/// Text that can stand in a setting: visible ASCII, and nothing that Spark would substitute.
bool IsPlainValue(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c == 0x7F) return false;
  }
  return !text.empty() && text.find("${") == text.npos;
}

/// Splits "catalog.namespace.name" and writes it for SQL; parts that are no words are quoted.
std::string ReadTable(const std::string& name, Request* out) {
  size_t parts = 0;
  for (size_t from = 0; from <= name.size(); ++parts) {
    const size_t dot = std::min(name.find('.', from), name.size());
    const std::string part = name.substr(from, dot - from);
    from = dot + 1;
    if (part.empty() || part.find_first_of("`\r\n\t") != part.npos) return "it is not well formed";
    if (parts == 0) out->catalog = part;
    out->table += (parts == 0 ? "" : ".") + (IsWord(part) ? part : "`" + part + "`");
  }
  return parts >= 3 ? "" : "it must be catalog.namespace.name";
}

/// Empty, or why a mount cannot be used.
std::string CheckMount(const Mount& mount) {
  if (!IsWord(mount.name)) return "the mount's name '" + mount.name + "' is not a plain word";
  const bool http = mount.uri.starts_with("http://") || mount.uri.starts_with("https://");
  if (!http || !IsPlainValue(mount.uri)) return "the mount " + mount.name + " has no HTTP address";
  if (!IsPlainValue(mount.token)) return "the mount " + mount.name + " has no usable token";
  return "";
}

std::string ReadMounts(const Json& job, Request* out) {
  bool target = false;
  for (const Json& json : Child(job, "mounts")) {
    const Mount mount = {Text(json, "name"), Text(json, "uri"), Text(json, "token"),
                         Text(json, "mode")};
    if (std::string why = CheckMount(mount); !why.empty()) return why;
    target = target || (mount.name == out->catalog && mount.mode == "rw");
    out->mounts.push_back(mount);
  }
  if (!target) return "no writable mount for the catalog '" + out->catalog + "' of its table";
  return "";
}

/// The contract's messages in the job's own, smaller, form.
void ReadParamsAndColumns(const Json& job, Request* out) {
  for (const Json& param : Child(job, "params")) {
    const auto value = param.find("value");
    const bool null = value == param.end() || value->is_null();
    out->params.push_back({{"name", Text(param, "name")},
                           {"type", Text(param, "type")},
                           {"value", null ? Json() : Json(Text(param, "value"))}});
  }
  for (const Json& column : Child(job, "columns")) {
    const auto nullable = column.find("nullable");
    const bool null = nullable == column.end() || !nullable->is_boolean() || nullable->get<bool>();
    out->columns.push_back(
        {{"name", Text(column, "name")}, {"type", Text(column, "type")}, {"nullable", null}});
  }
}

sdk::Outcome<Request> ReadRequest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Bad("the request is not a JSON object");
  const Json& job = Child(json, "job");
  const Json& lease = Child(json, "lease");
  if (!job.is_object() || !lease.is_object()) return Bad("the request has no job, or no lease");
  Request request;
  const std::string table = Text(job, "table");
  if (const std::string why = ReadTable(table, &request); !why.empty()) {
    return Bad("table name '" + table + "': " + why);
  }
  request.sql = Text(job, "sql");
  if (request.sql.empty()) return Bad("it has no SQL");
  request.materialization = Text(job, "materialization");
  if (request.materialization != "full") {
    return Bad("materialization '" + request.materialization + "' is not supported, only 'full'");
  }
  request.run_id = Text(job, "runId");
  if (!IsPlainValue(request.run_id)) return Bad("it has no usable run id");
  request.deadline_ms = Int64(job, "deadlineMs");
  if (request.deadline_ms <= 0) return Bad("it has no deadline");
  request.directory = Text(lease, "directory");
  while (request.directory.size() > 1 && request.directory.ends_with('/')) {
    request.directory.pop_back();
  }
  if (!request.directory.starts_with('/') || request.directory.find('\n') != std::string::npos) {
    return Bad("its lease has no folder with an absolute path");
  }
  if (const std::string why = ReadMounts(job, &request); !why.empty()) return Bad(why);
  ReadParamsAndColumns(job, &request);
  return request;
}

void AddMount(const Mount& mount, Properties* out) {
  const std::string prefix = "spark.sql.catalog." + mount.name;
  Properties& p = *out;
  p[prefix] = "org.apache.iceberg.spark.SparkCatalog";
  p[prefix + ".type"] = "rest";
  p[prefix + ".uri"] = mount.uri;
  p[prefix + ".header.x-pretzel-token"] = mount.token;
  p[prefix + ".rest.auth.type"] = "none";
  p[prefix + ".cache-enabled"] = "false";
  p[prefix + ".rest-metrics-reporting-enabled"] = "false";
  p[prefix + ".io-impl"] = "org.apache.iceberg.hadoop.HadoopFileIO";
}

Properties MakeProperties(const Config& config, const Request& request) {
  const std::string& folder = request.directory;
  Properties p = config.conf;
  p.emplace("spark.ui.showConsoleProgress", "false");
  p["spark.app.name"] = "pretzel " + request.run_id;
  p["spark.submit.deployMode"] = "client";
  p["spark.driver.host"] = "127.0.0.1";
  p["spark.driver.bindAddress"] = "127.0.0.1";
  p["spark.driver.memory"] = config.driver_memory;
  // The driver's own ports then speak only to who knows a secret that this one process makes up.
  p["spark.authenticate"] = "true";
  p["spark.ui.enabled"] = "false";
  std::string jars;
  for (const std::string& jar : config.jars) jars += (jars.empty() ? "" : ":") + jar;
  p["spark.driver.extraClassPath"] = jars;
  p["spark.sql.extensions"] = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions";
  // No metastore, no scripts, no path in place of a table, no ${...} in SQL.
  p["spark.sql.catalogImplementation"] = "in-memory";
  p["spark.sql.scripting.enabled"] = "false";
  p["spark.sql.runSQLOnFiles"] = "false";
  p["spark.sql.variable.substitute"] = "false";
  p["spark.redaction.regex"] = "(?i)secret|password|token|access[.]?key|credential|header";
  p["spark.sql.redaction.options.regex"] = "(?i)url|secret|password|token|header";
  // Iceberg's parser drops bound parameters on Spark 4.1, unless Spark binds them after parsing.
  p["spark.sql.legacy.parameterSubstitution.constantsOnly"] = "true";
  // All that the job writes outside the catalog lies in its own folder, and goes with it.
  p["spark.sql.warehouse.dir"] = folder + "/warehouse";
  std::string options = QuoteJavaOption("-Djava.io.tmpdir=" + folder) + " " +
                        QuoteJavaOption("-Dlog4j2.configurationFile=" + folder + "/" + kLogFile) +
                        " -XX:+PerfDisableSharedMem";
  std::string& java_options = p["spark.driver.extraJavaOptions"];
  java_options = java_options.empty() ? options : options + " " + java_options;
  for (const Mount& mount : request.mounts) AddMount(mount, &p);
  return p;
}

Json MakeSpec(const Request& request) {
  Json spec = {{"version", 1},
               {"run_id", request.run_id},
               // The host gives each attempt a lease of its own; a job knows of no other.
               {"attempt", 1},
               {"table", request.table},
               {"sql", request.sql},
               {"params", request.params},
               {"materialization", request.materialization},
               {"result_file", request.directory + "/" + kResultFile},
               {"deadline_ms", request.deadline_ms}};
  if (!request.columns.empty()) spec["columns"] = request.columns;
  return spec;
}

Json MakeEnvironment(const Config& config, const Request& request) {
  Json env = {{"PATH", kPath},
              {"HOME", request.directory},
              {"TMPDIR", request.directory},
              {"LANG", "C.UTF-8"},
              {"SPARK_HOME", config.spark_home},
              {"SPARK_LOCAL_IP", "127.0.0.1"},
              {"SPARK_LOCAL_DIRS", request.directory + "/local"},
              {"PYSPARK_PYTHON", config.python},
              {"PYSPARK_DRIVER_PYTHON", config.python}};
  if (!config.java_home.empty()) env["JAVA_HOME"] = config.java_home;
  return env;
}

Json File(const char* path, const std::string& content) {
  return {{"path", path}, {"content", EncodeBase64(content)}};
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

sdk::Outcome<std::string> Submit(const Config& config, std::string_view request_json) {
  auto read = ReadRequest(request_json);
  if (!read.ok()) return std::move(read.error());
  const Request& request = read.value();
  const std::string folder = request.directory + "/";
  const Json process = {
      {"argv",
       {config.spark_home + "/bin/spark-submit", "--master", config.master, "--properties-file",
        folder + kPropertiesFile, config.coreetl, "--spec", folder + kSpecFile}},
      {"env", MakeEnvironment(config, request)},
      {"files",
       {File(kPropertiesFile, FormatProperties(MakeProperties(config, request))),
        File(kLogFile, kLogProperties), File(kSpecFile, Dump(MakeSpec(request)))}},
      {"stdoutFile", kOutputFile},
      {"stderrFile", kOutputFile},
      {"resultFile", kResultFile},
      {"stopGraceMs", std::to_string(kStopGraceMs)}};
  return Dump({{"process", process}});
}

}  // namespace dcp::spark_runner
