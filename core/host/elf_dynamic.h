// SPDX-License-Identifier: Apache-2.0
//
// What the dynamic loader would do with a shared object, read from its program headers, which are
// what the loader reads. Nothing is loaded; every offset is checked against the file.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dcp::host {

/// A file that is read whole. A plugin with a few libraries linked in has some megabytes.
constexpr size_t kDynamicFileBytesMax = size_t{256} << 20;
/// Entries of the dynamic table; a large program has a few hundred.
constexpr size_t kDynamicEntriesMax = 10'000;

struct DynamicFacts {
  std::vector<std::string> needed;       ///< in order
  std::string search_path;               ///< RPATH or RUNPATH
  std::vector<std::string> hooks;        ///< names of entries that redirect symbols or watch them
  std::vector<std::string> unversioned;  ///< strong undefined symbols that any library may answer
  std::vector<std::string> unique;       ///< defined once for the whole process
  bool executable_stack = false;
  bool text_relocations = false;
  bool interposes = false;  ///< its symbols would go before everybody's
  bool global = false;      ///< its symbols would be everybody's
  bool relro = false;       ///< its tables are made read-only after relocation
  bool bind_now = false;    ///< all of them, since nothing is bound later
  bool stays = false;       ///< linked with -z nodelete
  /// Versions it needs of its libraries: {"libc.so.6", "GLIBC_2.34"}, in the file's order.
  std::vector<std::pair<std::string, std::string>> versions;
};

/// INVALID_ARGUMENT saying what is wrong with the file. [any] blocks
Result<DynamicFacts> ReadDynamic(const std::string& path);

}  // namespace dcp::host
