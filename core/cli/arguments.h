// SPDX-License-Identifier: Apache-2.0
//
// A command's flags and words, parsed. Boost.Program_options does the work in the .cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::cli {

struct Flag {
  std::string name;        ///< without the dashes
  char letter = 0;         ///< 0: no short form
  std::string value = {};  ///< what the value is called in help; empty: a switch
  std::string help = {};
  bool repeatable = false;  ///< else the flag may stand once
  bool optional = false;    ///< the value may be left out; given only as --flag=VALUE
};

class Arguments {
 public:
  bool Has(const std::string& flag) const { return flags_.contains(flag); }
  /// The value; empty for a flag that is not there or has none.
  std::string Text(const std::string& flag) const;
  const std::vector<std::string>& All(const std::string& flag) const;
  const std::vector<std::string>& words() const { return words_; }
  /// The word at `index`, or "".
  std::string Word(size_t index) const;

 private:
  friend Result<Arguments> ParseArguments(const std::vector<Flag>& flags,
                                          const std::vector<std::string>& line);
  std::map<std::string, std::vector<std::string>> flags_;
  std::vector<std::string> words_;
};

/// INVALID_ARGUMENT with did-you-mean for a flag that is unknown, lacks its value or stands twice.
Result<Arguments> ParseArguments(const std::vector<Flag>& flags,
                                 const std::vector<std::string>& line);
/// "k=v" texts to a map; INVALID_ARGUMENT for one without '=' or a key that stands twice.
Result<std::map<std::string, std::string>> ParsePairs(const std::string& flag,
                                                      const std::vector<std::string>& texts);

}  // namespace dcp::cli
