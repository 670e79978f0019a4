// SPDX-License-Identifier: Apache-2.0
//
// Small pieces of text output.
#include "cli/render/text.h"

#include <algorithm>
#include <array>

namespace dcp::cli {

bool UseColor(const Io& io, const std::string& flag, bool is_terminal) {
  if (flag == "always") return true;
  if (flag == "never" || !io.env("NO_COLOR").empty()) return false;
  if (const auto force = io.env("CLICOLOR_FORCE"); !force.empty() && force != "0") return true;
  return is_terminal && io.env("TERM") != "dumb" && !io.env("TERM").empty();
}

std::string Paint::Wrap(const char* code, const std::string& text) const {
  return on_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

std::string Paint::State(const std::string& state) const {
  constexpr std::array<std::string_view, 8> kGood = {
      "PASSED", "SUCCEEDED", "CREATED", "UNCHANGED", "ENFORCED", "OK", "READY", "ACTIVE"};
  constexpr std::array<std::string_view, 3> kBad = {"FAILED", "CANCELLED", "MISSING"};
  if (std::find(kGood.begin(), kGood.end(), state) != kGood.end()) return Green(state);
  if (std::find(kBad.begin(), kBad.end(), state) != kBad.end()) return Red(state);
  constexpr std::array<std::string_view, 4> kPassing = {"RUNNING", "DRIFTED", "DELETING",
                                                        "EXPIRED"};
  return std::find(kPassing.begin(), kPassing.end(), state) != kPassing.end() ? Yellow(state)
                                                                              : state;
}

size_t Width(std::string_view text) {
  size_t width = 0;
  bool escape = false;
  for (const char c : text) {
    if (c == '\x1b') escape = true;
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!escape && !continues) ++width;
    if (escape && c == 'm') escape = false;
  }
  return width;
}

std::string Printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      safe += c;
    } else if (c == '\n' || c == '\t') {
      safe += c;
    } else {
      safe += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    }
  }
  return safe;
}

std::string Thousands(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string Table::Text(const std::string& indent) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - Width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string TimeText(WallMillis time) {
  if (time == 0) return "-";
  const std::string full = FormatTime(time);
  return full.substr(0, full.find('.')) + "Z";
}

std::string ExpiredText(const std::string& name, WallMillis purge_at) {
  const std::string when = purge_at == 0 ? "soon" : "at " + TimeText(purge_at);
  return name + " has expired and is purged " + when + "; `pretzel playground restore " + name +
         "` takes it back";
}

std::string ErrorText(const Status& status, const Paint& paint) {
  std::string text;
  if (status.location().Known()) text += Printable(status.location().ToString()) + ": ";
  text += paint.Red("error");
  if (!status.id().empty()) text += " " + status.id();
  text += ": " + Printable(status.message()) + "\n";
  if (!status.hint().empty()) text += "  hint: " + Printable(status.hint()) + "\n";
  return text;
}

}  // namespace dcp::cli
