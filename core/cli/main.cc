// SPDX-License-Identifier: Apache-2.0
//
// pretzel.
#include <csignal>
#include <cstdlib>

#include "cli/app.h"

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "none", 0);  // its failures reach people as ours, with a hint
  std::signal(SIGPIPE, SIG_IGN);        // `pretzel … | head` ends quietly, by a failed write
  return dcp::cli::Main(dcp::cli::ProcessIo(), {argv + 1, argv + argc});
}
