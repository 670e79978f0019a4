// SPDX-License-Identifier: Apache-2.0
//
// What the checker asks of the probe, and what the probe answers: one message each way, in CBOR,
// since requests and responses are bytes. Shared by both programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace dcp::plugin_check {

// Descriptors of a child of the checker.
constexpr int kJobFd = 3;
constexpr int kVerdictFd = 4;
constexpr int kRecordFd = 5;
/// The record of what is going on: one line, so that a crash can be told where it happened.
constexpr size_t kRecordBytes = 4096;

/// A call that the plugin is to answer.
struct SampleCall {
  std::string capability;
  std::string method;
  std::string request;  ///< in the plugin's encoding
};

struct Job {
  std::string plugin;               ///< path
  std::vector<std::string> checks;  ///< one; more only when a debugger is to see them
  std::string id;                   ///< of the manifest
  std::string manifest;             ///< its text
  bool protobuf = false;            ///< the encoding; JSON otherwise
  std::string config;
  std::vector<std::string> examples;  ///< configurations of the schema
  std::vector<SampleCall> calls;
  uint64_t seed = 0;
  int64_t patience_ms = 0;  ///< for one call to be completed
  std::string worker;       ///< path of dcp-plugin-worker
  std::string probe;        ///< path of dcp-plugin-probe
};

/// No check of its own: what worker-same compares with.
constexpr char kSteadyTwice[] = "steady-twice";

/// One call as it went.
struct Answered {
  std::string capability;
  std::string method;
  bool taken = false;      ///< invoke() answered OK
  bool completed = false;  ///< or refused, which is an end too
  bool asked = false;      ///< it took long, and was cancelled for that
  int32_t code = 0;
  std::string body;
};

struct Verdict {
  enum class Kind { kPassed, kFailed, kNotRun };
  Kind kind = Kind::kPassed;
  std::string happened;
  std::vector<Answered> transcript;

  static Verdict Passed() { return {}; }
  static Verdict Failed(std::string happened) { return {Kind::kFailed, std::move(happened), {}}; }
  static Verdict NotRun(std::string why) { return {Kind::kNotRun, std::move(why), {}}; }
};

std::string EncodeJob(const Job& job);
Result<Job> DecodeJob(const std::string& bytes);
std::string EncodeVerdict(const Verdict& verdict);
Result<Verdict> DecodeVerdict(const std::string& bytes);

/// The calls whose answers are compared between places: each sample, each method with garbage, and
/// a method that is not there.
std::vector<SampleCall> SteadyCalls(const Job& job);

/// Reads a descriptor from its beginning to its end. [any]
std::string ReadAll(int fd);
/// Replaces what a memory file holds. [any]
Status WriteAll(int fd, const std::string& bytes);

}  // namespace dcp::plugin_check
