// SPDX-License-Identifier: Apache-2.0
//
// The program: finds the command, parses its flags, runs it.
#pragma once

#include <string>
#include <vector>

#include "cli/io.h"

namespace dcp::cli {

/// `line` is argv without the program's name. Answers the exit code.
int Main(const Io& io, std::vector<std::string> line);

}  // namespace dcp::cli
