// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/judge.h"

#include "base/id.h"
#include "host/contract.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

constexpr size_t kQuotedBytesMax = 200;
/// What the contract's reader says where the plugin gave no words of its own.
constexpr char kNobody[] = "(nobody)";

bool Names(const GivenCall& given, const host::Capability& capability, const std::string& method) {
  return given.method == method || given.method == capability.name + "." + method;
}

Status CheckNamed(const host::Manifest& manifest, const GivenCall& given) {
  std::vector<std::string> methods;
  for (const host::Capability& capability : manifest.capabilities) {
    for (const std::string& method : capability.methods) {
      if (Names(given, capability, method)) return Status::Ok();
      methods.push_back(method);
    }
  }
  std::string message = "the manifest has no method " + given.method + "; it has:";
  for (const std::string& method : methods) message += " " + method;
  Status status = NotFound(std::move(message));
  const std::string near = Nearest(given.method, methods);
  if (near.empty()) return status;
  return std::move(status).WithHint("did you mean " + near + "?");
}

}  // namespace

Result<std::vector<SampleCall>> MakeCalls(const host::Manifest& manifest,
                                          const std::vector<GivenCall>& given) {
  for (const GivenCall& call : given) DCP_TRY(CheckNamed(manifest, call));
  std::vector<SampleCall> calls;
  for (const host::Capability& capability : manifest.capabilities) {
    for (const std::string& method : capability.methods) {
      std::vector<std::string> requests;
      for (const GivenCall& call : given) {
        if (Names(call, capability, method)) requests.push_back(call.json);
      }
      const bool theirs = !requests.empty();
      if (!theirs) requests.emplace_back("{}");
      for (const std::string& json : requests) {
        const auto encoded =
            host::Contract::EncodeRequest(capability.name, method, json, manifest.encoding);
        if (theirs && !encoded.ok()) return encoded.status();
        // A method that is not in the contract has a check of its own, and is called all the same.
        const std::string none = manifest.encoding == host::Encoding::kJson ? "{}" : "";
        calls.push_back({capability.name, method, encoded.value_or(none)});
      }
    }
  }
  return calls;
}

Verdict JudgeResponses(const std::vector<Answered>& transcript, host::Encoding encoding) {
  size_t judged = 0;
  for (const Answered& call : transcript) {
    if (!call.taken || !call.completed || call.code != 0) continue;
    if (!host::Contract::Check(call.capability, call.method).ok()) continue;
    const auto json =
        host::Contract::DecodeResponse(call.capability, call.method, call.body, encoding);
    if (!json.ok()) {
      return Verdict::Failed(json.status().message() + "; it is " +
                             Printable(call.body.substr(0, kQuotedBytesMax)));
    }
    ++judged;
  }
  if (judged > 0) return Verdict::Passed();
  return Verdict::NotRun("no call was answered OK: give one that is with --call METHOD=FILE");
}

Verdict JudgeErrors(const std::vector<Answered>& transcript, host::Encoding encoding) {
  size_t judged = 0;
  for (const Answered& call : transcript) {
    if (!call.taken || !call.completed || call.code == 0) continue;
    ++judged;
    if (call.body.empty()) continue;
    const Status read =
        host::Contract::DecodeError(CodeFromInt(call.code), call.body, encoding, kNobody);
    if (read.message().rfind(kNobody, 0) != 0) continue;
    return Verdict::Failed("the failure of " + call.method + " is " +
                           Printable(call.body.substr(0, kQuotedBytesMax)));
  }
  return judged > 0 ? Verdict::Passed() : Verdict::NotRun("no call that was taken failed");
}

}  // namespace dcp::plugin_check
