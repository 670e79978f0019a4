// SPDX-License-Identifier: Apache-2.0
//
// pretzel.
#include <csignal>

#include "cli/app.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `pretzel … | head` ends quietly, by a failed write
  return dcp::cli::Main(dcp::cli::ProcessIo(), {argv + 1, argv + argc});
}
