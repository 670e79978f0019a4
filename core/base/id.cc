// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <sys/random.h>

#include <algorithm>
#include <vector>

namespace dcp {
namespace {

constexpr size_t kRunIdBytes = 8;  // two alike are not to be expected before billions of runs
constexpr size_t kPlaygroundNameMax = 63;  // a DNS label: names end up in host-like places later

std::vector<unsigned char> RandomBytes(size_t count) {
  std::vector<unsigned char> bytes(count);
  size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(bytes.data() + done, count - done, 0);
    if (got > 0) done += static_cast<size_t>(got);
  }
  return bytes;
}

std::string Hex(const std::vector<unsigned char>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

std::string RandomHex(size_t bytes) { return Hex(RandomBytes(bytes)); }

std::string RandomUuid() {
  auto bytes = RandomBytes(16);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string text = Hex(bytes);
  for (const size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, "-");
  return text;
}

std::string NewRunId() { return "r" + RandomHex(kRunIdBytes); }

bool IsRunId(std::string_view text) {
  return text.size() == 1 + 2 * kRunIdBytes && text.front() == 'r' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status CheckPlaygroundName(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool good = !name.empty() && name.size() <= kPlaygroundNameMax && lower(name.front()) &&
                    name.back() != '-' && std::all_of(name.begin(), name.end(), [&](char c) {
                      return lower(c) || digit(c) || c == '-';
                    });
  if (good) return {};
  return InvalidArgument("\"" + std::string(name.substr(0, 80)) + "\" is not a playground name")
      .WithId("PZ0301")
      .WithHint(
          "use 1 to 63 lower-case letters, digits and '-', starting with a letter and not "
          "ending in '-'");
}

size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rolling rows of the usual table: the third one back is what a swap looks at.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace dcp
