// SPDX-License-Identifier: Apache-2.0
//
// Reads what the host must know about a shared object before any of its code runs: the manifest
// section and the exported symbols. Nothing is loaded; every offset is checked against the file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::host {

/// A manifest is a page or two of text; more is a mistake or an attack.
constexpr size_t kManifestBytesMax = size_t{1} << 20;
/// Sections of one file: the linker's own limit before its extended numbering, which we refuse.
constexpr size_t kElfSectionsMax = 0xFF00;
/// Bytes of a symbol or string table. A plugin exports one symbol; a library linked without a
/// version script has tens of thousands.
constexpr size_t kElfTableBytesMax = size_t{64} << 20;

struct ElfFacts {
  bool has_manifest = false;
  std::string manifest;               ///< the section's bytes as they are
  std::vector<std::string> exported;  ///< defined dynamic symbols, sorted
};

/// INVALID_ARGUMENT saying what is wrong with the file; NOT_FOUND when it cannot be opened. [any]
Result<ElfFacts> ReadElf(const std::string& path);

}  // namespace dcp::host
