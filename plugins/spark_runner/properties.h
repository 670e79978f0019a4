// SPDX-License-Identifier: Apache-2.0
//
// The text of a Java properties file, which is how settings and the catalog's token reach Spark
// without standing in a command line.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dcp::spark_runner {

/// Sorted by key. Whatever a value holds, java.util.Properties reads it back. Bytes that are not
/// UTF-8 become U+FFFD.
std::string FormatProperties(const std::map<std::string, std::string>& properties);

/// One option for spark.driver.extraJavaOptions, quoted for Spark's own splitting.
std::string QuoteJavaOption(std::string_view option);

}  // namespace dcp::spark_runner
