// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace dcp {

/// The texts by which a secret is looked for in what a text says once it is decoded. Every one has
/// at least kRedactedBytesMin bytes.
std::vector<std::string> SpellingsOf(const std::string& secret);

}  // namespace dcp
