// SPDX-License-Identifier: Apache-2.0
//
// A configuration's references, replaced at the last moment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace dcp::schema {

/// What stands for `${reference}`.
using SecretSource = std::function<Result<Secret>(const std::string& reference)>;

/// The configuration with every reference in its texts replaced. A failure names the reference,
/// never a value. [any]
Result<Secret> Fill(const Secret& config_json, const SecretSource& source);

}  // namespace dcp::schema
