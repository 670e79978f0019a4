// SPDX-License-Identifier: Apache-2.0
//
// A network of a program's own: loopback and nothing else, in which a few listed ports lead out of
// it. Landlock's list of ports is not for programs whose parts talk over ports that they choose, as
// PySpark's Python and its JVM do; here they may choose any.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::os {

/// Moves the calling process, which has one thread, into a network namespace of its own, starts the
/// forwarder of `ports` (forwarder.h), and gives up every capability that this took. As root, or
/// with a user namespace in which it has the ids that it had. Nothing but TCP to 127.0.0.1 at one
/// of the ports gets out.
///
/// "": done. A text: why this kernel, or container, has no such thing for this user; the process is
/// as it was. An error: the process is to be given up. There is no way back.
Result<std::string> EnterOwnNetwork(std::vector<int> ports);

}  // namespace dcp::os
