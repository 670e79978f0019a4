// SPDX-License-Identifier: Apache-2.0
//
// What the probe is doing, written where the checker can read it when the probe is gone.
#pragma once

#include <string_view>

namespace dcp::plugin_check {

class Record {
 public:
  /// Maps the memory that the checker shares. Without it (a debugger's run) nothing is kept.
  static void Open(int fd);
  /// "in invoke() of Describe"; replaces what was said before. [any]
  static void Say(std::string_view doing);
  /// "complete()": the newest word of the plugin's. [any]
  static void Heard(std::string_view callback);
};

}  // namespace dcp::plugin_check
