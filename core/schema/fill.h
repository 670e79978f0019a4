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

/// Shorter texts are not looked for: they would tear words apart.
constexpr size_t kRedactedBytesMin = 8;
/// The text with "(secret)" wherever one of `secrets` stands in it: for words of a plugin, which
/// knows them. [any]
std::string Redact(std::string text, const std::vector<Secret>& secrets);

}  // namespace dcp::schema
