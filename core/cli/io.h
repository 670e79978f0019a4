// SPDX-License-Identifier: Apache-2.0
//
// What the program may touch: streams, what kind of streams they are, and the environment. Passed
// in, so that the tests run whole commands without a process. stdout holds the payload only.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <string>

namespace dcp::cli {

struct Io {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  /// Empty for a variable that is not set.
  std::function<std::string(const std::string& name)> env;
};

/// The process's own.
Io ProcessIo();

}  // namespace dcp::cli
