// SPDX-License-Identifier: Apache-2.0
//
// The configuration of one spark_runner instance. README.md describes the keys.
#pragma once

#include <dcp/sdk/plugin.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dcp::spark_runner {

struct Config {
  std::string spark_home;                   ///< holds bin/spark-submit
  std::string python;                       ///< an interpreter that can import pyspark
  std::string java_home;                    ///< empty: `java` of the default path
  std::vector<std::string> jars;            ///< on the driver's class path: Iceberg's runtime
  std::string coreetl;                      ///< the job itself, spark/coreetl.py
  std::string master = "local[2]";          ///< local mode alone
  std::string driver_memory = "1g";         ///< the JVM's heap
  std::map<std::string, std::string> conf;  ///< further Spark settings of the operator
};

/// Strict: unknown keys, wrong types, relative or missing paths, and settings that would undo the
/// isolation of a job are refused, each by the key's name.
sdk::Outcome<Config> ParseConfig(std::string_view json);

/// Settings that Submit makes and an operator may not.
bool IsReservedSetting(std::string_view key);

}  // namespace dcp::spark_runner
