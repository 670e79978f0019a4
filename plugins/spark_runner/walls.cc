// SPDX-License-Identifier: Apache-2.0
#include "walls.h"

#include <algorithm>
#include <array>

namespace dcp::spark_runner {
namespace {

/// XML loads nothing from outside. Java's URLs lead to a proxy that is not there: port 9 of the
/// loopback is the discard service, which nobody runs. The catalog's client does not use them.
constexpr char kOptions[] =
    "-Djavax.xml.accessExternalDTD= -Djavax.xml.accessExternalSchema= "
    "-Djavax.xml.accessExternalStylesheet= -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 "
    "-Dhttp.nonProxyHosts= -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 "
    "-Dftp.proxyHost=127.0.0.1 -Dftp.proxyPort=9 -Dftp.nonProxyHosts=";

/// A class that does not exist: Hadoop has none that refuses.
constexpr char kRefused[] = "pretzel.refuses.this.FileSystem";

/// What Hadoop registers (its ServiceLoader entries, core-default.xml) or brings, but for file.
constexpr auto kFileSystems = std::to_array<std::string_view>(
    {"http", "https", "ftp", "sftp", "hdfs", "webhdfs", "swebhdfs", "har", "viewfs", "nullscan",
     "pfile", "s3a", "abfs", "abfss", "wasb", "wasbs", "adl"});
/// The same for Hadoop's newer interface.
constexpr auto kAbstractFileSystems =
    std::to_array<std::string_view>({"ftp", "hdfs", "webhdfs", "swebhdfs", "har", "viewfs", "s3a",
                                     "abfs", "abfss", "wasb", "wasbs", "adl", "gs", "ofs", "o3fs"});
/// Never a place for tables, in any installation.
constexpr auto kNever = std::to_array<std::string_view>({"http", "https", "ftp"});

std::string SettingOf(std::string_view scheme) {
  return "spark.hadoop.fs." + std::string(scheme) + ".impl";
}

}  // namespace

std::string WallOptions() { return kOptions; }

void RefuseFileSystems(std::map<std::string, std::string>* properties) {
  for (const std::string_view scheme : kFileSystems) {
    properties->emplace(SettingOf(scheme), kRefused);
  }
  for (const std::string_view scheme : kAbstractFileSystems) {
    properties->emplace(SettingOf("AbstractFileSystem." + std::string(scheme)), kRefused);
  }
}

bool IsWallSetting(std::string_view key) {
  return std::any_of(kNever.begin(), kNever.end(),
                     [key](std::string_view scheme) { return key == SettingOf(scheme); });
}

}  // namespace dcp::spark_runner
