// SPDX-License-Identifier: Apache-2.0
//
// Unit test: the built plugin, called by the SDK's fake host, which also watches the ABI's rules.
#undef NDEBUG
#include <assert.h>
#include <dcp/sdk/testing.h>

// Calls, expects `code`, and answers whether the answer holds `text`.
static int Answers(dcp_test_host *host, const char *method, const char *request, dcp_code code,
                   const char *text) {
  dcp_call *call = dcp_test_invoke(host, method, request, 0);
  const dcp_code got = dcp_test_wait(host, call, 5000);
  if (got == code && strstr(dcp_test_body(call), text) != nullptr) return 1;
  fprintf(stderr, "%s %s: code %d, %s\n", method, request, (int)got, dcp_test_body(call));
  return 0;
}

int main(int argc, char **argv) {
  dcp_test_host *host;
  assert(argc == 2);
  host = dcp_test_host_load(argv[1]);
  assert(host != nullptr);
  assert(dcp_test_validate(host, "{}") == DCP_INVALID_ARGUMENT);
  assert(dcp_test_create(host, "{\"command\":\"exit 0\"}") == DCP_OK);

  assert(Answers(host, "Analyze", "{\"sql\":\"SELECT 1\",\"lease\":{\"directory\":\"/jobs/1\"}}",
                 DCP_OK, "\"REQUEST_FILE\":\"/jobs/1/request.json\""));
  assert(Answers(host, "Analyze", "{}", DCP_INVALID_ARGUMENT, "no query"));
  /* {"columns":[]} */
  assert(Answers(host, "Interpret",
                 "{\"process\":{\"phase\":\"EXITED\",\"result\":\"eyJjb2x1bW5zIjpbXX0=\"}}", DCP_OK,
                 "\"valid\":true"));
  assert(
      Answers(host, "Interpret", "{\"process\":{\"phase\":\"EXITED\"}}", DCP_INTERNAL, "columns"));
  assert(
      Answers(host, "Interpret",
              "{\"process\":{\"phase\":\"EXITED\",\"exitCode\":1,\"stderrTail\":\"no table t\"}}",
              DCP_OK, "no table t"));
  assert(Answers(host, "Interpret", "{\"process\":{\"phase\":\"LOST\"}}", DCP_UNAVAILABLE,
                 "by itself"));
  assert(Answers(host, "Polish", "{}", DCP_UNIMPLEMENTED, "no such method"));
  return dcp_test_host_free(host) == 0 ? 0 : 1;
}
