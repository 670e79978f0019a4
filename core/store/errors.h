// SPDX-License-Identifier: Apache-2.0
//
// What the database library throws, as Status. Its own messages carry the values that were bound
// to a statement; ours never do.
#pragma once

#include <string_view>

#include "base/status.h"

namespace dcp::store {

/// Must be called in a catch block: the exception that is being handled, as the failure of `what`.
Status CurrentException(std::string_view what);

/// A primary result code of SQLite as the failure of `what`. `text` is the database's own short
/// message (schema names, no values).
Status FromSqlite(int result, std::string_view what, std::string_view text);

}  // namespace dcp::store
