// SPDX-License-Identifier: Apache-2.0
//
// Templates of plugins, as the SDK installs them: KIND/LANG/ with "@name@" for the plugin's id.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::cli {

/// A template is written by hand; more bytes in a file mean that something else was found.
constexpr size_t kTemplateBytesMax = size_t{1} << 20;

struct Template {
  std::string kind;  ///< "run_backend"
  std::string lang;  ///< "c", "cpp", "rust", "go"
  std::string path;
};

/// All below `folder`, sorted. NOT_FOUND when it is not there or holds none.
Result<std::vector<Template>> ListTemplates(const std::string& folder);
/// Where they stand: beside this program's installation, PREFIX/share/dcp_sdk/templates. `sdk` is
/// PREFIX; empty: that of this program.
Result<std::string> TemplateFolder(const std::string& sdk);
/// The id of a plugin is also part of file names and of names in code: [a-z][a-z0-9_]*, at most 64.
bool IsPluginName(const std::string& name);
/// Copies a template into `directory`, which must be new or empty. ALREADY_EXISTS otherwise; on any
/// failure nothing of ours stays in it.
Status CopyTemplate(const Template& from, const std::string& name, const std::string& directory);

}  // namespace dcp::cli
