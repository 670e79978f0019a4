// SPDX-License-Identifier: Apache-2.0
//
// What a log line and the catalogue's page look like: pure text, apart from where it goes. Not for
// other rooms.
#pragma once

#include <span>
#include <string>

#include "base/clock.h"
#include "log/log.h"

namespace dcp::log {

/// A field longer than this is cut: one line must not fill the reader's screen or disk.
constexpr size_t kFieldBytesMax = size_t{8} << 10;

/// The line without its end. Whatever the fields hold, it is one line: control characters, line
/// separators and bytes that are not UTF-8 are escaped.
std::string FormatText(WallMillis time, const Message& message, std::span<const Field> fields);
std::string FormatJson(WallMillis time, const Message& message, std::span<const Field> fields);

/// All messages, in the order of the catalogue.
std::span<const Message> Catalogue();
/// docs/reference/log-messages.md.
std::string CatalogueMarkdown();

}  // namespace dcp::log
