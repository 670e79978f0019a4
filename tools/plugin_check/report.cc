// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

constexpr size_t kNameWidth = 20;

std::string Padded(std::string_view text, size_t width) {
  std::string out(text);
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML has no way at all to write most control characters.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string Seconds(int64_t millis) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", static_cast<double>(millis) / 1000);
  return text;
}

std::string Named(const RunFacts& facts) {
  return facts.id.empty() ? facts.plugin : facts.id + " " + facts.version;
}

/// For text that a plugin had a part in: what is no UTF-8 is shown as it stands in bytes.
std::string Shown(const std::string& text) { return IsUtf8(text) ? text : Printable(text); }

std::string GroupTitle(char group) {
  switch (group) {
    case 'A':
      return "A. File: without running anything of it";
    case 'B':
      return "B. Loading";
    case 'C':
      return "C. Tables";
    case 'D':
      return "D. Life: configurations and instances";
    case 'E':
      return "E. Calls";
    case 'F':
      return "F. Callbacks: what it tells the host, and from where";
    default:
      return "G. Isolation: in the real worker";
  }
}

}  // namespace

Counts CountOf(const std::vector<CheckResult>& results) {
  Counts counts;
  for (const CheckResult& result : results) {
    switch (result.outcome) {
      case Outcome::kPassed:
        ++counts.passed;
        break;
      case Outcome::kFailed:
        ++counts.failed;
        break;
      case Outcome::kWaived:
        ++counts.waived;
        break;
      case Outcome::kNotRun:
        ++counts.not_run;
        break;
    }
  }
  return counts;
}

std::string HeadText(const RunFacts& facts, size_t checks) {
  return Named(facts) + ": " + std::to_string(checks) + " checks, level " +
         std::to_string(facts.level) + ", seed " + std::to_string(facts.seed) + "\n";
}

std::string ResultText(const CheckResult& result) {
  std::string text = "  " + Padded(OutcomeName(result.outcome), 8);
  if (result.outcome == Outcome::kPassed) return text + std::string(result.check->name) + "\n";
  text += Padded(result.check->name, kNameWidth);
  if (result.outcome != Outcome::kFailed) return text + Shown(result.happened) + "\n";
  text += "\n      expected  " + std::string(result.check->rule);
  text += "\n      happened  " + Shown(result.happened);
  return text + "\n      to do     " + std::string(result.check->advice) + "\n";
}

std::string SummaryText(const std::vector<CheckResult>& results, const RunFacts& facts) {
  const Counts counts = CountOf(results);
  std::string text = Named(facts) + ": " + std::to_string(counts.passed) + " passed, " +
                     std::to_string(counts.failed) + " failed, " + std::to_string(counts.waived) +
                     " waived, " + std::to_string(counts.not_run) + " not run\n";
  if (counts.failed == 0) return text;
  text += "failed:";
  for (const CheckResult& result : results) {
    if (result.outcome == Outcome::kFailed) text += " " + std::string(result.check->name);
  }
  return text + "\nrepeat with --seed " + std::to_string(facts.seed) + "\n";
}

std::string Json(const std::vector<CheckResult>& results, const RunFacts& facts) {
  const Counts counts = CountOf(results);
  nlohmann::ordered_json json = {
      {"plugin", Shown(facts.plugin)},
      {"id", facts.id},
      {"version", facts.version},
      {"level", facts.level},
      {"seed", facts.seed},
      {"passed", counts.passed},
      {"failed", counts.failed},
      {"waived", counts.waived},
      {"notRun", counts.not_run},
      {"checks", nlohmann::ordered_json::array()},
  };
  for (const CheckResult& result : results) {
    nlohmann::ordered_json check = {
        {"name", result.check->name},
        {"group", std::string(GroupName(result.check->group))},
        {"level", result.check->level},
        {"outcome", result.outcome == Outcome::kFailed ? "failed" : OutcomeName(result.outcome)},
        {"millis", result.millis},
        {"expected", result.check->rule},
    };
    if (!result.happened.empty()) check["happened"] = Shown(result.happened);
    if (result.outcome == Outcome::kFailed) check["advice"] = result.check->advice;
    json["checks"].push_back(std::move(check));
  }
  return json.dump(2) + "\n";
}

std::string JUnit(const std::vector<CheckResult>& results, const RunFacts& facts) {
  const Counts counts = CountOf(results);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" +
                     Escaped(Shown(Named(facts))) + "\" tests=\"" + std::to_string(results.size()) +
                     "\" failures=\"" + std::to_string(counts.failed) + "\" skipped=\"" +
                     std::to_string(counts.waived + counts.not_run) + "\">\n";
  for (const CheckResult& result : results) {
    text += "  <testcase classname=\"" + std::string(GroupName(result.check->group)) +
            "\" name=\"" + std::string(result.check->name) + "\" time=\"" + Seconds(result.millis) +
            "\"";
    if (result.outcome == Outcome::kPassed) {
      text += "/>\n";
      continue;
    }
    const std::string happened = Escaped(Shown(result.happened));
    if (result.outcome == Outcome::kFailed) {
      text += "><failure message=\"" + happened + "\">expected: " + Escaped(result.check->rule) +
              "\nto do: " + Escaped(result.check->advice) + "</failure></testcase>\n";
    } else {
      text += "><skipped message=\"" + std::string(OutcomeName(result.outcome)) + ": " + happened +
              "\"/></testcase>\n";
    }
  }
  return text + "</testsuite>\n";
}

std::string ListText() {
  std::string text;
  char group = 0;
  for (const Check& check : AllChecks()) {
    if (check.group != group) text += (group == 0 ? "" : "\n") + GroupTitle(check.group) + "\n";
    group = check.group;
    text += "  " + std::to_string(check.level) + "  " + Padded(check.name, kNameWidth) +
            std::string(check.rule) +
            (check.managed_waived ? " (waived for managed runtimes)" : "") + "\n";
  }
  return text;
}

std::string ListPage() {
  std::string text =
      "# The checks of dcp-plugin-check\n\n"
      "`dcp-plugin-check my_plugin.so --config config.json` does them, each in a process of its "
      "own.\n"
      "This page is made of the program's own list: `ninja plugin-checks-page` renews it.\n\n"
      "Level 1: the plugin cannot be used. Level 2, the default: the rules of the ABI. Level 3: "
      "advice; `--level 3` checks it too.\n"
      "What is *waived* for a plugin whose manifest says `\"language_runtime\": \"managed\"` is "
      "marked: a runtime such as Go's or a JVM\ncannot meet it, and the plugin runs in a worker.\n";
  char group = 0;
  for (const Check& check : AllChecks()) {
    if (check.group != group) {
      text += "\n## " + GroupTitle(check.group) +
              "\n\n| check | level | expected | when it fails |\n"
              "| --- | --- | --- | --- |\n";
    }
    group = check.group;
    text += "| `" + std::string(check.name) + "` | " + std::to_string(check.level) +
            (check.managed_waived ? ", waived" : "") + " | " + std::string(check.rule) + " | " +
            std::string(check.advice) + " |\n";
  }
  return text;
}

}  // namespace dcp::plugin_check
