/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit test: the built plugin, called by the SDK's fake host, which also watches the ABI's rules.
 */
#undef NDEBUG
#include <assert.h>
#include <dcp/sdk/testing.h>

static const char kSubmit[] =
    "{\"job\":{\"table\":\"prod.a.b\",\"sql\":\"SELECT 1\"},\"lease\":{\"directory\":\"/jobs/1\"}}";

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
  assert(argc == 2);
  dcp_test_host *host = dcp_test_host_load(argv[1]);
  assert(host != NULL);
  assert(dcp_test_validate(host, "{}") == DCP_INVALID_ARGUMENT);
  assert(strstr(dcp_test_error(host), "command") != NULL);
  assert(dcp_test_create(host, "{\"command\":\"exit 0\"}") == DCP_OK);

  assert(Answers(host, "Submit", kSubmit, DCP_OK, "\"argv\":[\"/bin/sh\",\"-c\",\"exit 0\"]"));
  assert(Answers(host, "Submit", kSubmit, DCP_OK, "\"JOB_FILE\":\"/jobs/1/job.json\""));
  assert(Answers(host, "Submit", "{}", DCP_INVALID_ARGUMENT, "no job"));

  assert(Answers(host, "Check", "{\"process\":{\"phase\":\"RUNNING\"}}", DCP_OK, "JOB_RUNNING"));
  /* {"rows":3} */
  assert(Answers(host, "Check", "{\"process\":{\"phase\":\"EXITED\",\"result\":\"eyJyb3dzIjozfQ==\"}}",
                 DCP_OK, "\"rows\":\"3\""));
  assert(Answers(host, "Check", "{\"process\":{\"phase\":\"EXITED\"}}", DCP_OK, "JOB_FAILED"));
  assert(Answers(host, "Check", "{\"process\":{\"phase\":\"EXITED\",\"exitCode\":4}}", DCP_OK,
                 "ended with 4"));
  assert(Answers(host, "Check",
                 "{\"process\":{\"phase\":\"EXITED\",\"signal\":15,\"cancelRequested\":true}}", DCP_OK,
                 "JOB_CANCELLED"));
  assert(Answers(host, "Check", "{\"process\":{\"phase\":\"LOST\"}}", DCP_OK, "\"retryable\":true"));
  assert(Answers(host, "Check", "{}", DCP_INVALID_ARGUMENT, "process"));
  assert(Answers(host, "Polish", "{}", DCP_UNIMPLEMENTED, "Submit and Check"));
  return dcp_test_host_free(host) == 0 ? 0 : 1;
}
