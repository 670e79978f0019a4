// SPDX-License-Identifier: Apache-2.0
//
// Reads and checks the configuration.
#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "walls.h"

namespace dcp::spark_runner {
namespace {

using Json = nlohmann::json;

constexpr auto kKeys =
    std::to_array<std::string_view>({"mode", "sparkHome", "python", "javaHome", "jars", "coreetl",
                                     "master", "driverMemory", "conf"});

// A job's isolation, its place on loopback and its secrets rest on these.
constexpr auto kReserved =
    std::to_array<std::string_view>({"spark.app.name",
                                     "spark.authenticate",
                                     "spark.driver.bindAddress",
                                     "spark.driver.extraClassPath",
                                     "spark.driver.host",
                                     "spark.driver.memory",
                                     "spark.hadoop.fs.permissions.umask-mode",
                                     "spark.local.dir",
                                     "spark.master",
                                     "spark.redaction.regex",
                                     "spark.sql.catalogImplementation",
                                     "spark.sql.extensions",
                                     "spark.sql.legacy.parameterSubstitution.constantsOnly",
                                     "spark.sql.redaction.options.regex",
                                     "spark.sql.runSQLOnFiles",
                                     "spark.sql.scripting.enabled",
                                     "spark.sql.variable.substitute",
                                     "spark.sql.warehouse.dir",
                                     "spark.submit.deployMode",
                                     "spark.ui.enabled"});

sdk::Error Bad(const std::string& key, const std::string& why, const std::string& hint = "") {
  return {.code = DCP_INVALID_ARGUMENT,
          .message = "spark_runner configuration, key '" + key + "': " + why,
          .hint = hint};
}

enum class Kind { kFile, kProgram, kFolder };

/// Empty when the path is good, else why it is not.
std::string CheckPath(const std::string& path, Kind kind) {
  if (path.empty() || path.front() != '/') return "'" + path + "' is not an absolute path";
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return path + " does not exist";
  if (kind == Kind::kFolder) return S_ISDIR(info.st_mode) ? "" : path + " is not a folder";
  if (!S_ISREG(info.st_mode)) return path + " is not a file";
  if (kind == Kind::kProgram && ::access(path.c_str(), X_OK) != 0) return path + " is no program";
  return "";
}

bool IsHeapSize(std::string_view text) {
  if (text.size() < 2 || text.size() > 8 || (text.back() != 'm' && text.back() != 'g'))
    return false;
  text.remove_suffix(1);
  return text.front() != '0' && text.find_first_not_of("0123456789") == text.npos;
}

bool IsLocalMaster(std::string_view text) {
  if (text == "local" || text == "local[*]") return true;
  if (!text.starts_with("local[") || !text.ends_with("]")) return false;
  const std::string_view number = text.substr(6, text.size() - 7);
  return !number.empty() && number.size() <= 3 && number.front() != '0' &&
         number.find_first_not_of("0123456789") == number.npos;
}

class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  /// The text at `key`; a fallback of nullptr means that the key is needed.
  std::string Text(const char* key, const char* fallback) {
    const auto at = json_.find(key);
    if (at == json_.end()) {
      if (fallback == nullptr) Fail(Bad(key, "is missing"));
      return fallback == nullptr ? "" : fallback;
    }
    if (at->is_string()) return at->get<std::string>();
    Fail(Bad(key, "must be text"));
    return "";
  }

  std::string Path(const char* key, Kind kind, bool needed = true) {
    const std::string path = Text(key, needed ? nullptr : "");
    if (!failed() && (needed || !path.empty())) {
      if (const std::string why = CheckPath(path, kind); !why.empty()) Fail(Bad(key, why));
    }
    return path;
  }

  std::vector<std::string> Jars() {
    const auto at = json_.find("jars");
    if (at == json_.end() || !at->is_array() || at->empty()) {
      Fail(Bad("jars", "must be a list with the path of Iceberg's Spark runtime"));
      return {};
    }
    std::vector<std::string> jars;
    for (const Json& jar : *at) {
      const std::string key = "jars[" + std::to_string(jars.size()) + "]";
      jars.push_back(jar.is_string() ? jar.get<std::string>() : "");
      const std::string& path = jars.back();
      std::string why = CheckPath(path, Kind::kFile);
      if (why.empty() && path.find(':') != path.npos) why = path + " holds a ':'";
      if (!why.empty()) Fail(Bad(key, why));
    }
    return jars;
  }

  std::map<std::string, std::string> Conf() {
    std::map<std::string, std::string> conf;
    const auto at = json_.find("conf");
    if (at == json_.end()) return conf;
    if (!at->is_object()) Fail(Bad("conf", "must map Spark settings to values"));
    if (failed()) return conf;
    for (const auto& [name, value] : at->items()) {
      const std::string key = "conf." + name;
      if (!name.starts_with("spark.") || name.find_first_of(" \t\r\n=:") != name.npos) {
        Fail(Bad(key, "is not the name of a Spark setting"));
      } else if (IsReservedSetting(name)) {
        Fail(Bad(key, "is set by spark_runner itself and cannot be changed"));
      } else if (value.is_string()) {
        conf[name] = value.get<std::string>();
      } else if (value.is_number() || value.is_boolean()) {
        conf[name] = value.dump();
      } else {
        Fail(Bad(key, "must be text, a number or a boolean"));
      }
    }
    return conf;
  }

  void Fail(sdk::Error error) {
    if (!failed()) error_ = std::move(error);
  }
  bool failed() const { return error_.code != DCP_OK; }
  sdk::Error& error() { return error_; }

 private:
  const Json& json_;
  sdk::Error error_{.code = DCP_OK};
};

}  // namespace

bool IsReservedSetting(std::string_view key) {
  if (key.starts_with("spark.sql.catalog.") || IsWallSetting(key)) return true;
  return std::find(kReserved.begin(), kReserved.end(), key) != kReserved.end();
}

sdk::Outcome<Config> ParseConfig(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return sdk::Error{.code = DCP_INVALID_ARGUMENT,
                      .message = "spark_runner configuration is not a JSON object"};
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) return Bad(key, "is not known");
  }
  Reader reader(json);
  Config config;
  if (const std::string mode = reader.Text("mode", nullptr); mode != "local") {
    reader.Fail(Bad("mode", "'" + mode + "' is not supported", "use \"local\""));
  }
  config.spark_home = reader.Path("sparkHome", Kind::kFolder);
  if (!reader.failed()) {
    const std::string why = CheckPath(config.spark_home + "/bin/spark-submit", Kind::kProgram);
    if (!why.empty()) {
      reader.Fail(Bad("sparkHome", why, "name the folder of the installed pyspark package"));
    }
  }
  config.python = reader.Path("python", Kind::kProgram);
  config.java_home = reader.Path("javaHome", Kind::kFolder, false);
  if (!reader.failed() && !config.java_home.empty()) {
    const std::string why = CheckPath(config.java_home + "/bin/java", Kind::kProgram);
    if (!why.empty()) reader.Fail(Bad("javaHome", why));
  }
  config.jars = reader.Jars();
  config.coreetl = reader.Path("coreetl", Kind::kFile);
  config.master = reader.Text("master", config.master.c_str());
  if (!IsLocalMaster(config.master)) {
    reader.Fail(Bad("master", "'" + config.master + "' is not for mode local",
                    "use \"local[N]\" with the number of cores a job may use"));
  }
  config.driver_memory = reader.Text("driverMemory", config.driver_memory.c_str());
  if (!IsHeapSize(config.driver_memory)) {
    reader.Fail(Bad("driverMemory", "'" + config.driver_memory + "' is no size",
                    "write for example \"1g\" or \"1500m\""));
  }
  config.conf = reader.Conf();
  if (reader.failed()) return std::move(reader.error());
  return config;
}

}  // namespace dcp::spark_runner
