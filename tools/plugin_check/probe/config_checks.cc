// SPDX-License-Identifier: Apache-2.0
//
// Group D, first half: configurations.
#include <sched.h>

#include <cerrno>
#include <cstring>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/process_state.h"
#include "plugin_check/probe/subject.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

using SubjectCheck = Verdict (*)(const Subject& subject);

constexpr int kWarmUps = 20;
constexpr size_t kRepetitions = 100;
/// Bytes for each repetition that are taken for noise: lists of an allocator grow in steps.
constexpr size_t kNoiseBytes = 16;

struct Bad {
  const char* what;
  std::string config;
};

std::vector<Bad> BadConfigs() {
  return {{"an empty text", ""},
          {"truncated JSON", "{\"a\": \"b"},
          {"a list", "[]"},
          {"a number", "7"},
          {"bytes that are not UTF-8", "{\"a\": \"\xC3\x28\"}"},
          {"two objects", "{} {}"},
          {"ten megabytes of noise", std::string(size_t{10} << 20, 'x')}};
}

std::string Refusal(const CheckingHost& host) {
  const std::string reason = host.reason();
  return reason.empty() ? "" : ": " + Printable(reason.substr(0, 200));
}

Verdict ValidateGood(const Subject& subject) {
  CheckingHost host;
  const dcp_code code = subject.Validate(host, subject.job().config);
  return FailedIf(code == DCP_OK ? "" : "it answered code " + std::to_string(code) + Refusal(host));
}

Verdict ValidateBad(const Subject& subject) {
  for (const Bad& bad : BadConfigs()) {
    CheckingHost host;
    if (subject.Validate(host, bad.config) == DCP_OK) {
      return Verdict::Failed(std::string("it accepted ") + bad.what);
    }
  }
  return Verdict::Passed();
}

Verdict ValidateReason(const Subject& subject) {
  for (const Bad& bad : BadConfigs()) {
    CheckingHost host;
    if (subject.Validate(host, bad.config) != DCP_OK && host.reason().empty()) {
      return Verdict::Failed(std::string("it refused ") + bad.what + " without a word");
    }
  }
  return Verdict::Passed();
}

/// Runs `once` over and over: "" when memory, and with `all` files and threads, are level
/// afterwards.
template <typename Once>
std::string Level(bool all, Once once) {
  for (int i = 0; i < kWarmUps; ++i) once();
  const ProcessState before = ProcessState::Take();
  if (const size_t left = LeftBehind(kRepetitions, kNoiseBytes, once)) {
    return std::to_string(left) + " bytes are left behind each time";
  }
  if (!all) return "";
  if (std::string words = Settled(before, &ProcessState::NewFiles); !words.empty()) return words;
  return Settled(before, &ProcessState::NewThreads);
}

Verdict ValidateLevel(const Subject& subject) {
  auto* host = new CheckingHost;
  return FailedIf(Level(true, [&] {
    (void)subject.Validate(*host, subject.job().config);
    (void)subject.Validate(*host, "{\"a\": \"b");
    host->ForgetTexts();
  }));
}

Verdict ValidateProcess(const Subject& subject) {
  CheckingHost host;
  const ProcessState before = ProcessState::Take();
  (void)subject.Validate(host, subject.job().config);
  (void)subject.Validate(host, "{\"a\": \"b");
  return FailedIf(ProcessState::Take().Changed(before));
}

Verdict ValidateOffline(const Subject& subject) {
  CheckingHost host;
  const dcp_code with = subject.Validate(host, subject.job().config);
  // A process without privileges gets a network namespace only inside a user namespace of its own.
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return Verdict::NotRun(std::string("this kernel or container gives no empty network: ") +
                           std::strerror(errno));
  }
  const dcp_code without = subject.Validate(host, subject.job().config);
  if (with == without) return Verdict::Passed();
  return Verdict::Failed("it answers code " + std::to_string(with) + ", and " +
                         std::to_string(without) + " where there is no network" + Refusal(host));
}

Verdict SchemaExamples(const Subject& subject) {
  if (subject.job().examples.empty()) {
    return Verdict::NotRun("the manifest's config_schema has no `examples`");
  }
  for (const std::string& example : subject.job().examples) {
    CheckingHost host;
    const dcp_code code = subject.Validate(host, example);
    if (code != DCP_OK) {
      return Verdict::Failed("it answers code " + std::to_string(code) + " to " +
                             Printable(example.substr(0, 200)) + Refusal(host));
    }
  }
  return Verdict::Passed();
}

Verdict ConfigSecret(const Subject& subject) {
  const std::string secret = "canary-" + std::to_string(subject.job().seed);
  const std::string configs[] = {
      R"({"token": ")" + secret + R"(", "password": ")" + secret + R"(",)",
      R"({"token": ")" + secret + R"("} {)",
      R"(["token", ")" + secret + R"("])",
      R"({"token": ")" + secret + "\xC3\x28\"}",
  };
  for (const std::string& config : configs) {
    CheckingHost host;
    (void)subject.Validate(host, config);
    dcp_instance* made = nullptr;
    if (subject.Create(host, config, &made) == DCP_OK) continue;  // create-bad says so
    const std::string texts = host.texts();
    if (const size_t at = texts.find(secret); at != std::string::npos) {
      return Verdict::Failed("a reason or a log line quotes the configuration: " +
                             Printable(texts.substr(at > 80 ? at - 80 : 0, 160)));
    }
  }
  return Verdict::Passed();
}

Verdict CreateGood(const Subject& subject) {
  auto* host = new CheckingHost;
  const auto instance = Instance::Make(subject, *host);
  if (!instance.ok()) return Verdict::Failed(instance.status().message());
  return Verdict::Passed();
}

Verdict CreateBad(const Subject& subject) {
  for (const Bad& bad : BadConfigs()) {
    CheckingHost host;
    dcp_instance* made = nullptr;
    if (subject.Create(host, bad.config, &made) == DCP_OK) {
      return Verdict::Failed(std::string("it made an instance of ") + bad.what);
    }
    if (host.reason().empty()) {
      return Verdict::Failed(std::string("it refused ") + bad.what + " without a word");
    }
  }
  return Verdict::Passed();
}

Verdict CreateFailLevel(const Subject& subject) {
  auto* host = new CheckingHost;
  return FailedIf(Level(true, [&] {
    for (const char* config : {"{\"a\": \"b", "[]"}) {
      dcp_instance* made = nullptr;
      const dcp_code code = subject.Create(*host, config, &made);
      if (code == DCP_OK && made != nullptr) subject.Destroy(*host, made);  // create-bad says so
    }
    host->ForgetTexts();
  }));
}

Verdict InstanceLevel(const Subject& subject) {
  auto* host = new CheckingHost;
  std::string trouble;
  const std::string words = Level(false, [&] {
    auto instance = Instance::Make(subject, *host);
    if (!instance.ok()) {
      trouble = instance.status().message();
      return;
    }
    if (!(*instance)->Destroy()) trouble = "an instance could not be destroyed";
    host->ForgetTexts();
  });
  return FailedIf(trouble.empty() ? words : trouble);
}

}  // namespace

void AddConfigChecks(ProbeChecks& checks) {
  const auto add = [&checks](const char* name, SubjectCheck check) {
    checks[name] = [check](const Job& job) {
      const auto subject = Subject::Load(job);
      return subject.ok() ? check(**subject) : Verdict::Failed(subject.status().message());
    };
  };
  add("validate-good", ValidateGood);
  add("validate-bad", ValidateBad);
  add("validate-reason", ValidateReason);
  add("validate-level", ValidateLevel);
  add("validate-process", ValidateProcess);
  add("validate-offline", ValidateOffline);
  add("schema-examples", SchemaExamples);
  add("config-secret", ConfigSecret);
  add("create-good", CreateGood);
  add("create-bad", CreateBad);
  add("create-fail-level", CreateFailLevel);
  add("instance-level", InstanceLevel);
}

}  // namespace dcp::plugin_check
