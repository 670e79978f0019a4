// SPDX-License-Identifier: Apache-2.0
//
// The command line's own readers: durations, labels, flags and words. One input is a line of words
// parted by line feeds.
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/duration.h"
#include "fuzz.h"

namespace {

using dcp::cli::Flag;

constexpr int64_t kTenYears = int64_t{3650} * 86'400'000;

template <typename T>
bool Passed(const dcp::Result<T>& result) {
  if (result.ok()) return true;
  FUZZ_CHECK(result.status().code() == dcp::Code::kInvalidArgument);
  FUZZ_CHECK(!result.status().message().empty());
  return false;
}

void CheckDuration(const std::string& text) {
  const auto duration = dcp::cli::ParseDuration(text);
  if (!Passed(duration)) return;
  FUZZ_CHECK(*duration > 0 && *duration <= kTenYears);
  FUZZ_CHECK(!dcp::cli::FormatDuration(*duration).empty());
}

void CheckLine(const std::vector<std::string>& line) {
  const std::vector<Flag> flags = {
      {"playground", 'p', "NAME", ""},      {"ttl", 0, "TIME", ""},   {"label", 0, "K=V", "", true},
      {"wait", 0, "TIME", "", false, true}, {"verbose", 'v', "", ""},
  };
  const auto arguments = dcp::cli::ParseArguments(flags, line);
  if (!Passed(arguments)) return;
  // A letter is the least that makes a value: -vvv is three.
  size_t bytes = 0;
  for (const std::string& word : line) bytes += word.size() + 1;
  size_t values = arguments->words().size();
  for (const Flag& flag : flags) {
    const auto& all = arguments->All(flag.name);
    FUZZ_CHECK(flag.repeatable || flag.value.empty() || all.size() <= 1);
    FUZZ_CHECK(arguments->Has(flag.name) == !all.empty());
    values += all.size();
  }
  FUZZ_CHECK(values <= bytes);
  const auto pairs = dcp::cli::ParsePairs("label", arguments->All("label"));
  if (!Passed(pairs)) return;
  FUZZ_CHECK(pairs->size() == arguments->All("label").size());
  for (const auto& [key, value] : *pairs) FUZZ_CHECK(!key.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = dcp::fuzz::Text(data, size);
  CheckDuration(std::string(text));
  std::vector<std::string> line;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    line.emplace_back(text.substr(0, end));
    CheckDuration(line.back());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  // A command line comes with NULs at its words' ends only.
  for (const std::string& word : line) {
    if (word.find('\0') != std::string::npos) return 0;
  }
  CheckLine(line);
  return 0;
}
