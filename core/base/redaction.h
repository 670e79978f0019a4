// SPDX-License-Identifier: Apache-2.0
//
// What is shown of words that came from outside (a plugin, a job, a service) with secrets taken out
// of them. They know some, and print them by mistake: in an exception's text, a dumped request, an
// Authorization header. A secret by its type (base/secret.h) does not help there, so these words
// are searched for every secret that this process knows, and for what looks like a catalog token.
//
// Found are a secret as it is and in every encoding that base/decoding.h undoes (escapes of JSON,
// URLs, HTML and programming languages, base64, hex, lists of numbers), up to three of them on top
// of each other and wherever the encoded part begins; each longer line of a secret that has
// several; and of one that looks random every longer part. Not found is what was changed in any
// other way (compressed, encrypted, backwards, in base32): this is against mistakes. A plugin that
// wants to give away what it was given can.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/status.h"

namespace dcp {

/// Shorter secrets are not looked for: they would tear words apart.
constexpr size_t kRedactedBytesMin = 8;
/// Encodings on top of each other: a header in base64, in a request as JSON, in an exception's
/// repr.
constexpr int kRedactedEncodingsMax = 3;
/// What stands for a secret.
inline constexpr char kRedacted[] = "(secret)";

/// From now on that secret is taken out. It is kept until the process ends: what knew it may still
/// speak. [any]
void Conceal(const Secret& secret);

/// The text with every concealed secret and every catalog token replaced. [any]
std::string Redact(std::string text);
/// The same of its message, hint, file and log's end; the code and the id stay. [any]
Status Redact(Status status);

/// For a text that comes in pieces: up to here no secret has begun that may go on in the next
/// piece. Bounded: a piece that is longer than any secret never waits as a whole. [any]
size_t RedactableEnd(std::string_view piece);

/// How many bytes Redact() looks at in that text, all decodings together: linear in its size. For
/// tests. [any]
size_t RedactionWork(std::string_view text);

}  // namespace dcp
