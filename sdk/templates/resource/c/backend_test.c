/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit test: the built plugin, called by the SDK's fake host, which also watches the ABI's rules.
 */
#undef NDEBUG
#include <assert.h>
#include <dcp/sdk/testing.h>

/* Calls, expects `code`, and answers whether the answer holds `text`. */
static int Answers(dcp_test_host *host, const char *method, const char *request, dcp_code code,
                   const char *text) {
  dcp_call *call = dcp_test_invoke(host, method, request, 0);
  const dcp_code got = dcp_test_wait(host, call, 5000);
  if (got == code && strstr(dcp_test_body(call), text) != NULL) return 1;
  fprintf(stderr, "%s %s: code %d, %s\n", method, request, (int)got, dcp_test_body(call));
  return 0;
}

int main(int argc, char **argv) {
  dcp_test_host *host;
  assert(argc == 2);
  host = dcp_test_host_load(argv[1]);
  assert(host != NULL);
  assert(dcp_test_validate(host, "{}") == DCP_INVALID_ARGUMENT);
  assert(dcp_test_create(host, "{\"kind\":\"Thing\"}") == DCP_OK);

  assert(Answers(host, "Describe", "{}", DCP_OK, "\"kinds\":[\"Thing\"]"));
  /* "kind: Thing" and "kind: Other" */
  assert(Answers(host, "Compile",
                 "{\"command\":\"test\",\"manifests\":[{\"content\":\"a2luZDogVGhpbmc=\"}]}", DCP_OK,
                 "PASSED"));
  assert(Answers(host, "Compile",
                 "{\"command\":\"test\",\"manifests\":[{\"content\":\"a2luZDogT3RoZXI=\"}]}", DCP_OK,
                 "FAILED"));
  assert(Answers(host, "Compile", "{\"command\":\"run\"}", DCP_INVALID_ARGUMENT, "no such command"));
  assert(Answers(host, "Polish", "{}", DCP_UNIMPLEMENTED, "no such method"));
  return dcp_test_host_free(host) == 0 ? 0 : 1;
}
