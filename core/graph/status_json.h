// SPDX-License-Identifier: Apache-2.0
//
// A Status as the JSON that is stored as `error_json` and given to Continue nodes.
#pragma once

#include <string>

#include "base/status.h"

namespace dcp::graph {

/// {"code","id","message","hint","location":{"file","line","column"}}; "" for OK.
std::string StatusToJson(const Status& status);
/// The inverse; OK for "", INTERNAL for anything else that cannot be read.
Status StatusFromJson(const std::string& text);

}  // namespace dcp::graph
