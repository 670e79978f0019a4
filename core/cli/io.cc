// SPDX-License-Identifier: Apache-2.0
//
// The process's streams and environment.
#include "cli/io.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace dcp::cli {

Io ProcessIo() {
  Io io;
  io.in = &std::cin;
  io.out = &std::cout;
  io.err = &std::cerr;
  io.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  io.err_is_terminal = isatty(STDERR_FILENO) == 1;
  io.in_is_terminal = isatty(STDIN_FILENO) == 1;
  io.env = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::string() : std::string(value);
  };
  return io;
}

}  // namespace dcp::cli
