// SPDX-License-Identifier: Apache-2.0
//
// What every fuzz target includes: the entry point that libFuzzer and replay_main.cc call, and a
// check that stays in release builds, because the properties are the point of the target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Ends the program, which the fuzzer and ctest both see, with the property that does not hold.
#define FUZZ_CHECK(property)                                                                      \
  ((property)                                                                                     \
       ? void(0)                                                                                  \
       : (std::fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #property), \
          std::abort()))

namespace dcp::fuzz {

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The input's first byte, taken off it: chooses between ways to use the rest. 0 of an empty one.
inline uint8_t TakeByte(std::string_view& text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<uint8_t>(text[0]);
  text.remove_prefix(1);
  return byte;
}

}  // namespace dcp::fuzz
