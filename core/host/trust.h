// SPDX-License-Identifier: Apache-2.0
//
// Who could have put code in a place: a file is trusted when nobody but root and the daemon's own
// user can write it, or replace it by writing a folder above it.
#pragma once

#include <string>

#include "base/result.h"

namespace dcp::host {

/// PERMISSION_DENIED names the first file or folder, from `path` upwards, that others may write,
/// and what to do about it. Links are followed first. [any]
Status CheckTrusted(const std::string& path);

}  // namespace dcp::host
