// SPDX-License-Identifier: Apache-2.0
//
// Lets a C++ exception out of a call, against the ABI's rules.
#include <stdexcept>

#include "base.h"

namespace {

dcp_code Invoke(dcp_instance* /*self*/, dcp_call* /*call*/, dcp_bytes /*method*/,
                dcp_bytes /*request*/) {
  throw std::runtime_error("the plug was pulled");
}

}  // namespace

extern "C" {
TEST_PLUGIN(table.invoke = Invoke)
}
