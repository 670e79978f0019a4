// SPDX-License-Identifier: Apache-2.0
//
// The process of a job: spark-submit of coreetl.py with three files beside it. What is the same
// for each: where it may write, what it may listen to, where the catalog's token stands (a 0600
// file that the host writes; never the command line or the environment).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "json_io.h"

namespace dcp::spark_runner {

struct Mount {
  std::string name;
  std::string uri;
  std::string token;  ///< secret
  std::string mode;
};

/// What a process is to do.
struct Work {
  std::string run_id;
  std::string directory;  ///< the lease's
  std::vector<Mount> mounts;
  std::string mode = "run";                     ///< of coreetl.py
  std::map<std::string, std::string> settings;  ///< Spark's, beside those of every job
  Json spec;                                    ///< less `version`, `run_id` and `result_file`
};

/// Reads the contract's Mounts. Empty, or why one cannot be used.
std::string ReadMounts(const Json& list, std::vector<Mount>* out);
/// The lease's folder, without '/' at its end; empty when there is no usable one.
std::string ReadDirectory(const Json& lease);
/// Text that can stand in a setting: visible ASCII, and nothing that Spark would substitute.
bool IsPlainValue(std::string_view text);
/// A name that SQL takes without quotes.
bool IsWord(std::string_view text);

/// contract Process
Json MakeProcess(const Config& config, const Work& work);

}  // namespace dcp::spark_runner
