// SPDX-License-Identifier: Apache-2.0
//
// Group A: what can be said of a plugin's file without running anything of it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/elf.h"
#include "host/elf_dynamic.h"
#include "host/manifest.h"
#include "plugin_check/check.h"
#include "plugin_check/probe/job.h"

namespace dcp::plugin_check {

/// A library that the file needs, directly or through others.
struct NeededLibrary {
  std::string name;
  std::string path;  ///< empty: not found
};

struct FileFacts {
  std::string path;
  Result<host::ElfFacts> elf = Internal("not read");
  Result<host::DynamicFacts> dynamic = Internal("not read");
  Result<host::Manifest> manifest = Internal("not read");
  Result<std::vector<NeededLibrary>> libraries = Internal("not read");
  std::vector<std::string> schema_examples;  ///< as JSON texts
};

/// Reads it all; the dynamic loader is asked for the libraries, which maps them and runs nothing.
/// blocks
FileFacts ReadFacts(const std::string& path);

/// One check of group A. `glibc` is the newest version that may be needed, "2.36".
Verdict RunFileCheck(const Check& check, const FileFacts& facts, const std::string& glibc);

}  // namespace dcp::plugin_check
