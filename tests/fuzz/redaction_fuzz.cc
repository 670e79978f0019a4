// SPDX-License-Identifier: Apache-2.0
//
// What plugins print, searched for secrets. Any text: no byte is read outside of it, the work is
// bounded, what was taken out stays out, and a piece's end is within it. With a secret put into it,
// raw and in two encodings, the secret is gone.
#include <string>

#include "base/redaction.h"
#include "base/testing/encodings.h"
#include "fuzz.h"

namespace {

// No part of it is in any other text by accident, and it has marks that encodings change.
constexpr char kSecret[] = "q7&Zx/9w\"Kp+T4'vB<n2 Ym%8#R";

void CheckHidden(const std::string& before, const std::string& spelled, const std::string& after) {
  const std::string shown = dcp::Redact(before + spelled + after);
  FUZZ_CHECK(shown.find(dcp::kRedacted) != std::string::npos);
  FUZZ_CHECK(shown.find(spelled) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool concealed = [] {
    dcp::Conceal(dcp::Secret(kSecret));
    return true;
  }();
  std::string_view text = dcp::fuzz::Text(data, size);
  const auto& encodings = dcp::testing::Encodings();
  const auto& inner = encodings[dcp::fuzz::TakeByte(text) % encodings.size()];
  const auto& outer = encodings[dcp::fuzz::TakeByte(text) % encodings.size()];
  FUZZ_CHECK(concealed);
  const size_t cut = dcp::fuzz::TakeByte(text) * text.size() / 256;
  const std::string whole(text);

  FUZZ_CHECK(dcp::RedactableEnd(text) <= text.size());
  FUZZ_CHECK(dcp::RedactionWork(text) <= 33 * text.size() + (size_t{128} << 10));
  (void)dcp::Redact(whole);
  // Apart from what stands around it, which may be the beginning of an escape.
  const std::string before = whole.substr(0, cut) + "\n| ";
  CheckHidden(before, outer.of("{ " + inner.of(kSecret) + " }"), " |\n" + whole.substr(cut));
  FUZZ_CHECK(dcp::Redact(before + kSecret).find(kSecret) == std::string::npos);
  return 0;
}
