// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include "base64.h"
#include "properties.h"
#include "walls.h"

namespace dcp::spark_runner {
namespace {

using Properties = std::map<std::string, std::string>;

constexpr int kSpecVersion = 1;
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

/// Empty, or why a mount cannot be used.
std::string CheckMount(const Mount& mount) {
  if (!IsWord(mount.name)) return "the mount's name '" + mount.name + "' is not a plain word";
  const bool http = mount.uri.starts_with("http://") || mount.uri.starts_with("https://");
  if (!http || !IsPlainValue(mount.uri)) return "the mount " + mount.name + " has no HTTP address";
  if (!IsPlainValue(mount.token)) return "the mount " + mount.name + " has no usable token";
  return "";
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

Properties MakeProperties(const Config& config, const Work& work) {
  const std::string& folder = work.directory;
  Properties p = config.conf;
  p.emplace("spark.ui.showConsoleProgress", "false");
  p["spark.app.name"] = "pretzel " + work.run_id;
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
  // No metastore, no scripts, no path in place of a table, no ${...} in SQL.
  p["spark.sql.catalogImplementation"] = "in-memory";
  p["spark.sql.scripting.enabled"] = "false";
  p["spark.sql.runSQLOnFiles"] = "false";
  p["spark.sql.variable.substitute"] = "false";
  p["spark.redaction.regex"] = "(?i)secret|password|token|access[.]?key|credential|header";
  p["spark.sql.redaction.options.regex"] = "(?i)url|secret|password|token|header";
  // All that the job writes outside the catalog lies in its own folder, and goes with it.
  p["spark.sql.warehouse.dir"] = folder + "/warehouse";
  std::string options = QuoteJavaOption("-Djava.io.tmpdir=" + folder) + " " +
                        QuoteJavaOption("-Dlog4j2.configurationFile=" + folder + "/" + kLogFile) +
                        " -XX:+PerfDisableSharedMem";
  std::string& java_options = p["spark.driver.extraJavaOptions"];
  if (!java_options.empty()) options += " " + java_options;
  java_options = options + " " + WallOptions();
  RefuseFileSystems(&p);
  // The host confines a job: it may make no file readable for others.
  p["spark.hadoop.fs.permissions.umask-mode"] = "077";
  for (const Mount& mount : work.mounts) AddMount(mount, &p);
  for (const auto& [key, value] : work.settings) p[key] = value;
  return p;
}

Json MakeEnvironment(const Config& config, const Work& work) {
  Json env = {
      {"PATH", kPath},
      {"HOME", work.directory},
      {"TMPDIR", work.directory},
      {"LANG", "C.UTF-8"},
      {"SPARK_HOME", config.spark_home},
      {"SPARK_LOCAL_IP", "127.0.0.1"},
      {"SPARK_LOCAL_DIRS", work.directory + "/local"},
      // Python would leave its compiled files beside coreetl.py: an installation is only read.
      {"PYTHONDONTWRITEBYTECODE", "1"},
      {"PYSPARK_PYTHON", config.python},
      {"PYSPARK_DRIVER_PYTHON", config.python}};
  if (!config.java_home.empty()) env["JAVA_HOME"] = config.java_home;
  return env;
}

Json File(const char* path, const std::string& content) {
  return {{"path", path}, {"content", EncodeBase64(content)}};
}

}  // namespace

bool IsWord(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!ok) return false;
  }
  return true;
}

bool IsPlainValue(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c == 0x7F) return false;
  }
  return !text.empty() && text.find("${") == text.npos;
}

std::string ReadMounts(const Json& list, std::vector<Mount>* out) {
  for (const Json& json : list) {
    const Mount mount = {Text(json, "name"), Text(json, "uri"), Text(json, "token"),
                         Text(json, "mode")};
    if (std::string why = CheckMount(mount); !why.empty()) return why;
    out->push_back(mount);
  }
  return "";
}

std::string ReadDirectory(const Json& lease) {
  std::string directory = Text(lease, "directory");
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  const bool good = directory.starts_with('/') && directory.find('\n') == std::string::npos;
  return good ? directory : "";
}

Json MakeProcess(const Config& config, const Work& work) {
  const std::string folder = work.directory + "/";
  Json argv = {config.spark_home + "/bin/spark-submit",
               "--master",
               config.master,
               "--properties-file",
               folder + kPropertiesFile,
               config.coreetl,
               "--spec",
               folder + kSpecFile};
  if (work.mode != "run") {
    argv.push_back("--mode");
    argv.push_back(work.mode);
  }
  Json spec = work.spec;
  spec["version"] = kSpecVersion;
  spec["run_id"] = work.run_id;
  spec["result_file"] = folder + kResultFile;
  return {{"argv", std::move(argv)},
          {"env", MakeEnvironment(config, work)},
          {"files",
           {File(kPropertiesFile, FormatProperties(MakeProperties(config, work))),
            File(kLogFile, kLogProperties), File(kSpecFile, Dump(spec))}},
          {"stdoutFile", kOutputFile},
          {"stderrFile", kOutputFile},
          {"resultFile", kResultFile},
          {"stopGraceMs", std::to_string(kStopGraceMs)}};
}

}  // namespace dcp::spark_runner
