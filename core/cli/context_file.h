// SPDX-License-Identifier: Apache-2.0
//
// The person's own file, $XDG_CONFIG_HOME/pretzel/config.yaml: where the daemon is, and which
// playground is the current one.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/io.h"

namespace dcp::cli {

struct Context {
  std::string endpoint;    ///< "unix:/path" or "127.0.0.1:PORT"; empty: the default
  std::string token_file;  ///< empty: the default
  std::string playground;  ///< empty: none is current
};

/// A value and where it came from, for `config view`.
struct Setting {
  std::string value;
  std::string origin;  ///< "flag", "PRETZEL_ENDPOINT", the file's path, "default"
};

std::string ContextPath(const Io& io);
/// Empty fields when there is no such file. INVALID_ARGUMENT with file:line:column otherwise.
Result<Context> ReadContext(const std::string& path);
/// Replaces the file as a whole; makes its folder (0700).
Status WriteContext(const std::string& path, const Context& context);

/// Flag over environment over file over default.
Setting EndpointSetting(const Io& io, const std::string& flag, const Context& context);
Setting TokenFileSetting(const Io& io, const Context& context);

}  // namespace dcp::cli
