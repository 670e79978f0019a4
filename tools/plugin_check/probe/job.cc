// SPDX-License-Identifier: Apache-2.0
#include "plugin_check/probe/job.h"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

namespace dcp::plugin_check {
namespace {

using Json = nlohmann::json;

Json Bytes(const std::string& text) {
  return Json::binary(std::vector<uint8_t>(text.begin(), text.end()));
}

std::string Text(const Json& json) {
  const auto& bytes = json.get_binary();
  return {bytes.begin(), bytes.end()};
}

std::string Pack(const Json& json) {
  const std::vector<uint8_t> bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

/// Calls `read` with the message; what it throws for a message of another form is an error.
template <typename T, typename Read>
Result<T> Unpack(const std::string& bytes, const char* what, Read read) {
  try {
    return read(Json::from_cbor(bytes));
  } catch (const Json::exception& e) {
    return Internal(std::string(what) + " between checker and probe cannot be read: " + e.what());
  }
}

}  // namespace

std::string EncodeJob(const Job& job) {
  Json json = {{"plugin", job.plugin},
               {"checks", job.checks},
               {"id", job.id},
               {"manifest", Bytes(job.manifest)},
               {"protobuf", job.protobuf},
               {"config", Bytes(job.config)},
               {"examples", Json::array()},
               {"calls", Json::array()},
               {"seed", job.seed},
               {"patience_ms", job.patience_ms},
               {"worker", job.worker},
               {"probe", job.probe}};
  for (const std::string& example : job.examples) json["examples"].push_back(Bytes(example));
  for (const SampleCall& call : job.calls) {
    json["calls"].push_back({call.capability, call.method, Bytes(call.request)});
  }
  return Pack(json);
}

Result<Job> DecodeJob(const std::string& bytes) {
  return Unpack<Job>(bytes, "the job", [](const Json& json) {
    Job job;
    job.plugin = json.at("plugin");
    job.checks = json.at("checks").get<std::vector<std::string>>();
    job.id = json.at("id");
    job.manifest = Text(json.at("manifest"));
    job.protobuf = json.at("protobuf");
    job.config = Text(json.at("config"));
    for (const Json& example : json.at("examples")) job.examples.push_back(Text(example));
    for (const Json& call : json.at("calls")) {
      job.calls.push_back({call.at(0), call.at(1), Text(call.at(2))});
    }
    job.seed = json.at("seed");
    job.patience_ms = json.at("patience_ms");
    job.worker = json.at("worker");
    job.probe = json.at("probe");
    return job;
  });
}

std::string EncodeVerdict(const Verdict& verdict) {
  Json json = {{"kind", static_cast<int>(verdict.kind)},
               {"happened", Bytes(verdict.happened)},
               {"transcript", Json::array()}};
  for (const Answered& call : verdict.transcript) {
    json["transcript"].push_back({call.capability, call.method, call.taken, call.completed,
                                  call.asked, call.code, Bytes(call.body)});
  }
  return Pack(json);
}

Result<Verdict> DecodeVerdict(const std::string& bytes) {
  return Unpack<Verdict>(bytes, "the verdict", [](const Json& json) {
    Verdict verdict;
    verdict.kind = static_cast<Verdict::Kind>(json.at("kind").get<int>());
    verdict.happened = Text(json.at("happened"));
    for (const Json& call : json.at("transcript")) {
      verdict.transcript.push_back({call.at(0), call.at(1), call.at(2), call.at(3), call.at(4),
                                    call.at(5), Text(call.at(6))});
    }
    return verdict;
  });
}

std::vector<SampleCall> SteadyCalls(const Job& job) {
  std::vector<SampleCall> calls = job.calls;
  for (const SampleCall& call : job.calls) {
    calls.push_back({call.capability, call.method, "\xFF{\"a\":"});
  }
  calls.push_back({"", "NoSuchMethod", "{}"});
  return calls;
}

std::string ReadAll(int fd) {
  std::string bytes;
  char buffer[65536];
  off_t at = 0;
  for (;;) {
    const ssize_t got = pread(fd, buffer, sizeof(buffer), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
    at += got;
  }
}

Status WriteAll(int fd, const std::string& bytes) {
  if (ftruncate(fd, 0) != 0) return FromErrno(errno, "cannot empty a memory file");
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t put = pwrite(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return FromErrno(errno, "cannot write to a memory file");
    at += static_cast<size_t>(put);
  }
  return Status::Ok();
}

}  // namespace dcp::plugin_check
