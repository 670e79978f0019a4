// SPDX-License-Identifier: Apache-2.0
//
// Formats of the files in a job's folder. A file that does not parse is DATA_LOSS: they are written
// as a whole or not at all, so only a foreign hand or a broken disk can damage one.
#include "os/job_files.h"

#include <charconv>
#include <sstream>
#include <vector>

namespace dcp::os {
namespace {

constexpr std::string_view kSpecHead = "dcp-job 2\n";
constexpr std::string_view kSpecTail = "end\n";
/// Fields before the arguments: both file names, the grace time, who gets the environment, the
/// number of arguments.
constexpr size_t kFixedFields = 5;
constexpr std::string_view kPassedOn = "passed on";

void Append(std::string_view field, std::string* out) {
  *out += std::to_string(field.size());
  *out += ':';
  *out += field;
  *out += '\n';
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

/// Splits "<length>:<bytes>\n" fields.
bool Split(std::string_view text, std::vector<std::string>* fields) {
  while (!text.empty()) {
    const size_t colon = text.find(':');
    size_t length = 0;
    if (colon == text.npos || !ParseNumber(text.substr(0, colon), &length)) return false;
    text.remove_prefix(colon + 1);
    if (length >= text.size() || text[length] != '\n') return false;
    fields->emplace_back(text.substr(0, length));
    text.remove_prefix(length + 1);
  }
  return true;
}

void AppendIdentity(std::string_view who, const ProcessIdentity& identity, std::string* out) {
  *out += std::string(who) + " " + std::to_string(identity.pid) + " " +
          std::to_string(identity.start_ticks) + " " + identity.boot_id + "\n";
}

bool ReadIdentity(std::istream& in, std::string_view who, ProcessIdentity* identity) {
  std::string word;
  return (in >> word >> identity->pid >> identity->start_ticks >> identity->boot_id) &&
         word == who && identity->pid > 0;
}

}  // namespace

std::string EncodeJobSpec(const JobSpec& spec) {
  std::string out(kSpecHead);
  Append(spec.stdout_file, &out);
  Append(spec.stderr_file, &out);
  Append(std::to_string(spec.stop_grace_ms), &out);
  Append(spec.env_is_passed_on ? kPassedOn : "", &out);
  Append(std::to_string(spec.argv.size()), &out);
  for (const std::string& word : spec.argv) Append(word, &out);
  for (const auto& [key, value] : spec.env) {
    Append(key, &out);
    Append(value, &out);
  }
  out += kSpecTail;
  return out;
}

Result<JobSpec> DecodeJobSpec(std::string_view text) {
  const Status damaged = DataLoss("job spec is damaged");
  std::vector<std::string> fields;
  if (!text.starts_with(kSpecHead) || !text.ends_with(kSpecTail)) return damaged;
  text.remove_prefix(kSpecHead.size());
  text.remove_suffix(kSpecTail.size());
  if (!Split(text, &fields) || fields.size() < kFixedFields) return damaged;
  JobSpec spec;
  spec.stdout_file = fields[0];
  spec.stderr_file = fields[1];
  spec.env_is_passed_on = fields[3] == kPassedOn;
  size_t argc = 0;
  if (!ParseNumber(fields[2], &spec.stop_grace_ms) || !ParseNumber(fields[4], &argc) || argc == 0 ||
      argc > fields.size() - kFixedFields || (fields.size() - kFixedFields - argc) % 2 != 0) {
    return damaged;
  }
  size_t at = kFixedFields;
  for (; at < kFixedFields + argc; ++at) spec.argv.push_back(fields[at]);
  for (; at < fields.size(); at += 2) spec.env.emplace_back(fields[at], fields[at + 1]);
  return spec;
}

std::string EncodeLaunched(const JobIdentities& identities) {
  std::string out;
  AppendIdentity("launcher", identities.launcher, &out);
  AppendIdentity("job", identities.job, &out);
  return out;
}

Result<JobIdentities> DecodeLaunched(std::string_view text) {
  std::istringstream in{std::string(text)};
  JobIdentities identities;
  if (!ReadIdentity(in, "launcher", &identities.launcher) ||
      !ReadIdentity(in, "job", &identities.job)) {
    return DataLoss("record of a job's launch is damaged");
  }
  return identities;
}

std::string EncodeExit(const ExitStatus& exit) {
  return exit.signal != 0 ? "signal " + std::to_string(exit.signal) + "\n"
                          : "code " + std::to_string(exit.code) + "\n";
}

Result<ExitStatus> DecodeExit(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::string word;
  int number = 0;
  if (!(in >> word >> number) || (word != "code" && word != "signal")) {
    return DataLoss("record of a job's end is damaged");
  }
  ExitStatus exit;
  (word == "code" ? exit.code : exit.signal) = number;
  return exit;
}

}  // namespace dcp::os
