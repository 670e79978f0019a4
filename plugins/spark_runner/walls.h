// SPDX-License-Identifier: Apache-2.0
//
// Walls behind the SQL screen, in a job's own settings: what a query may not reach although it
// names it. A function that reads XML fetches its schema through Hadoop's file systems, and its DTD
// through Java's URLs, while the query is planned.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dcp::spark_runner {

/// For the end of a job's Java options: what stands there wins.
std::string WallOptions();
/// Refuses Hadoop's file systems but the local one; one that the operator names stays.
void RefuseFileSystems(std::map<std::string, std::string>* properties);
/// Settings of these that no operator may make: nobody keeps a warehouse behind them.
bool IsWallSetting(std::string_view key);

}  // namespace dcp::spark_runner
