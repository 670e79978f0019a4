// SPDX-License-Identifier: Apache-2.0
//
// Unit test: the built plugin, called by the SDK's fake host, which also watches the ABI's rules.
#include <dcp/sdk/testing.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using Json = nlohmann::json;

int failures = 0;

void Expect(bool good, const std::string& what) {
  if (good) return;
  ++failures;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
}

struct Answer {
  dcp_code code;
  Json body;
};

Answer Call(dcp_test_host* host, const char* method, const Json& request) {
  dcp_call* call = dcp_test_invoke(host, method, request.dump().c_str(), 0);
  const dcp_code code = dcp_test_wait(host, call, 5000);
  return {code, Json::parse(dcp_test_body(call), nullptr, false)};
}

/// What Check says of a process.
Json Check(dcp_test_host* host, const Json& process) {
  return Call(host, "Check", {{"process", process}}).body;
}

void TestSubmit(dcp_test_host* host) {
  const Json job = {{"table", "prod.a.b"}, {"sql", "SELECT 1"}};
  const Answer answer = Call(host, "Submit", {{"job", job}, {"lease", {{"directory", "/jobs/1"}}}});
  Expect(answer.code == DCP_OK, "Submit is answered");
  const Json& process = answer.body["process"];
  Expect(process["argv"] == Json({"/bin/sh", "-c", "exit 0"}),
         "the command is that of the configuration");
  Expect(process["env"]["JOB_FILE"] == "/jobs/1/job.json", "the job finds its file");
  Expect(Call(host, "Submit", Json::object()).code == DCP_INVALID_ARGUMENT, "no job, no process");
}

void TestCheck(dcp_test_host* host) {
  Expect(Check(host, {{"phase", "RUNNING"}})["state"] == "JOB_RUNNING", "running");
  // {"rows":3}
  const Json good = Check(host, {{"phase", "EXITED"}, {"result", "eyJyb3dzIjozfQ=="}});
  Expect(good["state"] == "JOB_SUCCEEDED" && good["result"]["rows"] == "3", "three rows");
  Expect(Check(host, {{"phase", "EXITED"}})["state"] == "JOB_FAILED", "no result");
  const Json four = Check(host, {{"phase", "EXITED"}, {"exitCode", 4}});
  Expect(four["detail"] == "the command ended with 4", "the exit code is told");
  const Json stopped =
      Check(host, {{"phase", "EXITED"}, {"signal", 15}, {"cancelRequested", true}});
  Expect(stopped["state"] == "JOB_CANCELLED", "cancelled");
  Expect(Check(host, {{"phase", "LOST"}})["retryable"] == true, "lost: once more");
  Expect(Call(host, "Check", Json::object()).code == DCP_INVALID_ARGUMENT, "no process");
  Expect(Call(host, "Polish", Json::object()).code == DCP_UNIMPLEMENTED, "no such method");
}

}  // namespace

int main(int argc, char** argv) {
  dcp_test_host* host = argc == 2 ? dcp_test_host_load(argv[1]) : nullptr;
  if (host == nullptr) return 2;
  Expect(dcp_test_validate(host, "{}") == DCP_INVALID_ARGUMENT, "a command is needed");
  Expect(dcp_test_create(host, R"({"command":"exit 0"})") == DCP_OK, "it is created");
  TestSubmit(host);
  TestCheck(host);
  failures += dcp_test_host_free(host);
  return failures == 0 ? 0 : 1;
}
