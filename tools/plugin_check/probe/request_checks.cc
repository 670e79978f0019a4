// SPDX-License-Identifier: Apache-2.0
//
// Group E, first half: names of methods, and requests of every kind.
#include <random>
#include <set>

#include "plugin_check/probe/probe_checks.h"
#include "plugin_check/probe/subject.h"
#include "plugin_check/probe/utf8.h"

namespace dcp::plugin_check {
namespace {

using InstanceCheck = Verdict (*)(const Subject& subject, Instance& instance);

constexpr char kMute[] = "no call is completed (see complete-always)";

Verdict MethodIsUnimplemented(const Subject& subject, Instance& instance, const std::string& name) {
  (void)subject;
  const CallEnd end = instance.Call({name, "{}"});
  if (!end.ended) return Verdict::NotRun(kMute);
  if (end.code == DCP_UNIMPLEMENTED) return Verdict::Passed();
  return Verdict::Failed(Told("\"" + Printable(name) + "\"", end) + "; UNIMPLEMENTED is 12");
}

Verdict MethodUnknown(const Subject& subject, Instance& instance) {
  std::vector<std::string> names = {"NoSuchMethod", std::string(1000, 'x')};
  std::set<std::string> known;
  for (const SampleCall& call : subject.job().calls) {
    known.insert(call.method);
    names.push_back(call.method + "X");
    names.push_back(call.method.substr(0, call.method.size() - 1));
  }
  for (const std::string& name : names) {
    if (name.empty() || known.count(name) > 0) continue;
    Verdict verdict = MethodIsUnimplemented(subject, instance, name);
    if (verdict.kind != Verdict::Kind::kPassed) return verdict;
  }
  return Verdict::Passed();
}

Verdict MethodNul(const Subject& subject, Instance& instance) {
  for (const SampleCall& call : subject.job().calls) {
    Verdict verdict =
        MethodIsUnimplemented(subject, instance, call.method + std::string("\0tail", 5));
    if (verdict.kind != Verdict::Kind::kPassed) return verdict;
  }
  return Verdict::Passed();
}

Verdict MethodEmpty(const Subject& subject, Instance& instance) {
  return MethodIsUnimplemented(subject, instance, "");
}

/// Every method answers `request`, whatever it answers.
Verdict Answers(const Subject& subject, Instance& instance, const std::string& request,
                const char* said) {
  bool any = false;
  for (const SampleCall& call : subject.job().calls) {
    CallPlan plan{call.method, request};
    plan.said = said;
    any = instance.Call(plan).ended || any;
  }
  return any ? Verdict::Passed() : Verdict::NotRun(kMute);
}

Verdict RequestEmpty(const Subject& subject, Instance& instance) {
  return Answers(subject, instance, "", " (none at all)");
}

Verdict RequestHuge(const Subject& subject, Instance& instance) {
  constexpr size_t kBytes = size_t{16} << 20;
  if (subject.job().protobuf)
    return Answers(subject, instance, std::string(kBytes, '\x08'), " (huge)");
  const std::string head = "{\"sql\":\"";
  return Answers(subject, instance, head + std::string(kBytes - head.size() - 2, 'x') + "\"}",
                 " (huge)");
}

std::string MutatedOnce(const std::string& sample, std::mt19937_64& random) {
  std::string text = sample;
  switch (random() % 5) {
    case 0:
      return text.substr(0, text.empty() ? 0 : random() % text.size());
    case 1:
      for (int i = 0; i < 4 && !text.empty(); ++i) {
        text[random() % text.size()] = static_cast<char>(random());
      }
      return text;
    case 2: {
      text.assign(random() % 300, '\0');
      for (char& c : text) c = static_cast<char>(random());
      return text;
    }
    case 3: {
      const size_t at = text.empty() ? 0 : random() % text.size();
      return text.substr(0, at) + text + text.substr(at);
    }
    default:
      return std::string(1, "{[\"0tn-"[random() % 7]) + text;
  }
}

/// Never empty: request-empty asks that.
std::string Mutated(const std::string& sample, std::mt19937_64& random) {
  std::string text = MutatedOnce(sample, random);
  return text.empty() ? "x" : text;
}

/// Nested deeper than any stack: lists in JSON, and the longest chain of sub-messages.
std::string Nested(bool protobuf) {
  constexpr size_t kDepth = 100'000;
  if (!protobuf) return "{\"options\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}";
  std::string text;
  for (size_t i = 0; i < 20'000; ++i) text += "\x0B";  // field 1, start of a group
  return text;
}

Verdict RequestFuzz(const Subject& subject, Instance& instance) {
  constexpr int kRequests = 60;
  std::mt19937_64 random(subject.job().seed);
  const std::string sample_json = R"({"sql":"SELECT 1","context":{"team":"a"},"params":[{}]})";
  for (const SampleCall& call : subject.job().calls) {
    CallPlan nested{call.method, Nested(subject.job().protobuf)};
    nested.said = " (deeply nested)";
    (void)instance.Call(nested);
    for (int i = 0; i < kRequests && !instance.IsSlow(call.method); ++i) {
      const bool own = subject.job().protobuf || call.request.size() > 4;
      CallPlan plan{call.method, Mutated(own ? call.request : sample_json, random)};
      const std::string said = " (request " + std::to_string(i) + " of the seed)";
      plan.said = said.c_str();
      (void)instance.Call(plan);
    }
  }
  return Verdict::Passed();
}

Verdict RequestBorrowed(const Subject& subject, Instance& instance) {
  for (int round = 0; round < 2; ++round) {
    for (const SampleCall& call : subject.job().calls) {
      CallPlan plan{call.method, call.request};
      plan.take_memory = true;
      plan.cancel_after_us = round == 0 ? -1 : 0;
      (void)instance.Call(plan);
    }
  }
  return Verdict::Passed();
}

/// The request with a field that no contract has.
std::string WithUnknown(const std::string& request, bool protobuf) {
  // Field 15000, of three bytes.
  if (protobuf) return request + std::string("\xC2\xA9\x07\x03xyz", 7);
  const std::string field = R"("dcpUnknownField":{"deep":[1,"x",null]})";
  const size_t at = request.find('{');
  if (at == std::string::npos) return request;
  const size_t next = request.find_first_not_of(" \t\r\n", at + 1);
  const bool empty = next != std::string::npos && request[next] == '}';
  return request.substr(0, at + 1) + field + (empty ? "" : ",") + request.substr(at + 1);
}

Verdict UnknownFields(const Subject& subject, Instance& instance) {
  for (const SampleCall& call : subject.job().calls) {
    const CallEnd plain = instance.Call({call.method, call.request});
    const CallEnd more =
        instance.Call({call.method, WithUnknown(call.request, subject.job().protobuf)});
    if (!plain.ended || !more.ended || plain.code == more.code) continue;
    return Verdict::Failed(Told(call.method, plain) +
                           "; with one more field: " + Told(call.method, more));
  }
  return Verdict::Passed();
}

}  // namespace

void AddRequestChecks(ProbeChecks& checks) {
  const auto add = [&checks](const char* name, InstanceCheck check) {
    checks[name] = [check](const Job& job) {
      const auto subject = Subject::Load(job);
      if (!subject.ok()) return Verdict::Failed(subject.status().message());
      const auto life = Begin(**subject);
      if (!life.ok()) return Verdict::Failed(life.status().message());
      Verdict verdict = check(**subject, *(*life)->instance);
      (void)End(**life);
      return verdict;
    };
  };
  add("method-unknown", MethodUnknown);
  add("method-nul", MethodNul);
  add("method-empty", MethodEmpty);
  add("request-empty", RequestEmpty);
  add("request-huge", RequestHuge);
  add("request-fuzz", RequestFuzz);
  add("request-borrowed", RequestBorrowed);
  add("unknown-fields", UnknownFields);
}

}  // namespace dcp::plugin_check
