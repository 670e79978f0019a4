/* SPDX-License-Identifier: Apache-2.0
 *
 * A run backend whose jobs are processes on this machine. Submit describes one, and the host
 * launches it, stops it and keeps its logs: it outlives this plugin and the daemon. Check says what
 * became of it. Nothing is kept here, so a restart loses nothing.
 *
 * The process is `/bin/sh -c COMMAND`, COMMAND from the configuration. It finds in its environment
 *   JOB_DIRECTORY  a folder of its own
 *   JOB_FILE       job.json in it: the Job message. 0600, for it holds the catalog's token
 *   RESULT_FILE    where it writes {"rows": 3, "snapshotId": "17"} before it exits with 0
 */
#include "backend.h"

#include <stdio.h>

static dcp_code Bad(dcp_text *out, const char *message) {
  return backend_fail(out, DCP_INVALID_ARGUMENT, message, "");
}

dcp_code backend_configure(dcp_bytes config, dcp_text *why) {
  char *command = dcp_json_string(dcp_json_find(config, "command"));
  const int good = command != NULL && command[0] != '\0';
  free(command);
  if (good) return DCP_OK;
  dcp_text_add(why, "the configuration needs `command`, a shell command that runs a job");
  return DCP_INVALID_ARGUMENT;
}

/* "NAME":"directory/name" of the environment. */
static void AddPath(dcp_text *out, const char *name, const char *directory, const char *file) {
  dcp_text path = {NULL, 0, 0, 0};
  dcp_text_add(&path, directory);
  dcp_text_add(&path, file);
  dcp_text_json(out, name);
  dcp_text_add(out, ":");
  dcp_text_json(out, path.data != NULL ? path.data : "");
  dcp_text_add(out, ",");
  free(path.data);
}

static dcp_code Submit(dcp_bytes config, dcp_bytes request, dcp_text *out) {
  const dcp_bytes job = dcp_json_find(request, "job");
  char *directory = dcp_json_string(dcp_json_find(request, "lease.directory"));
  if (job.data == NULL || directory == NULL || directory[0] != '/') {
    free(directory);
    return Bad(out, "cannot submit: the request has no job, or no lease with a folder");
  }
  dcp_text_add(out, "{\"process\":{\"argv\":[\"/bin/sh\",\"-c\",");
  const dcp_bytes command = dcp_json_find(config, "command");
  dcp_text_bytes(out, command.data, command.size); /* a JSON string already */
  dcp_text_add(out, "],\"env\":{");
  AddPath(out, "JOB_DIRECTORY", directory, "");
  AddPath(out, "JOB_FILE", directory, "/job.json");
  AddPath(out, "RESULT_FILE", directory, "/result.json");
  dcp_text_add(out, "\"PATH\":\"/usr/local/bin:/usr/bin:/bin\",\"LANG\":\"C.UTF-8\"},");
  dcp_text_add(out, "\"files\":[{\"path\":\"job.json\",\"content\":\"");
  dcp_text_base64(out, job.data, job.size);
  dcp_text_add(out, "\"}],\"stdoutFile\":\"output\",\"stderrFile\":\"output\",");
  dcp_text_add(out, "\"resultFile\":\"result.json\",\"stopGraceMs\":\"5000\"}}");
  free(directory);
  return DCP_OK;
}

static dcp_code Failed(dcp_text *out, const char *message, const char *hint, int retryable) {
  dcp_text_add(out, "{\"state\":\"JOB_FAILED\",\"detail\":");
  dcp_text_json(out, message);
  dcp_text_add(out, ",\"findings\":[{\"severity\":\"ERROR\",\"message\":");
  dcp_text_json(out, message);
  dcp_text_add(out, ",\"hint\":");
  dcp_text_json(out, hint);
  dcp_text_add(out, retryable ? "}],\"retryable\":true}" : "}]}");
  return DCP_OK;
}

static void AddNumber(dcp_text *out, const char *key, long long number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", number);
  dcp_text_json(out, key);
  dcp_text_add(out, ":");
  dcp_text_json(out, digits);
}

/* A process that has ended with 0. */
static dcp_code Succeeded(dcp_bytes process, dcp_text *out) {
  dcp_text result = dcp_json_bytes(dcp_json_find(process, "result"));
  const long long rows = dcp_json_int(dcp_json_find(dcp_text_view(&result), "rows"), -1);
  const long long snapshot = dcp_json_int(dcp_json_find(dcp_text_view(&result), "snapshotId"), 0);
  free(result.data);
  if (rows < 0) {
    return Failed(out, "the command ended well and left no result with `rows`",
                  "let it write {\"rows\": N} to $RESULT_FILE", 0);
  }
  dcp_text_add(out, "{\"state\":\"JOB_SUCCEEDED\",\"result\":{");
  AddNumber(out, "rows", rows);
  dcp_text_add(out, ",");
  AddNumber(out, "snapshotId", snapshot);
  dcp_text_add(out, "}}");
  return DCP_OK;
}

static dcp_code Check(dcp_bytes request, dcp_text *out) {
  const dcp_bytes process = dcp_json_find(request, "process");
  const dcp_bytes phase = dcp_json_find(process, "phase");
  const long long exit_code = dcp_json_int(dcp_json_find(process, "exitCode"), 0);
  const long long signal = dcp_json_int(dcp_json_find(process, "signal"), 0);
  if (dcp_json_is(phase, "\"RUNNING\"")) {
    dcp_text_add(out, "{\"state\":\"JOB_RUNNING\",\"detail\":\"the command runs\"}");
    return DCP_OK;
  }
  if (dcp_json_is(phase, "\"EXITED\"") && exit_code == 0 && signal == 0) {
    return Succeeded(process, out);
  }
  if (dcp_json_is(dcp_json_find(process, "cancelRequested"), "true")) {
    dcp_text_add(out, "{\"state\":\"JOB_CANCELLED\",\"detail\":\"the command was stopped\"}");
    return DCP_OK;
  }
  if (dcp_json_is(phase, "\"LOST\"")) {
    return Failed(out, "the command is gone and left no exit status", "run it again", 1);
  }
  if (!dcp_json_is(phase, "\"EXITED\"")) return Bad(out, "cannot check: no known process");
  {
    char text[96];
    snprintf(text, sizeof text, signal != 0 ? "signal %lld ended the command"
                                            : "the command ended with %lld",
             signal != 0 ? signal : exit_code);
    return Failed(out, text, "`pretzel run logs` shows what it wrote", 0);
  }
}

dcp_code backend_call(dcp_bytes config, dcp_bytes method, dcp_bytes request, dcp_text *out) {
  if (dcp_json_is(method, "Submit")) return Submit(config, request, out);
  if (dcp_json_is(method, "Check")) return Check(request, out);
  return backend_fail(out, DCP_UNIMPLEMENTED, "this backend has no such method",
                      "it has Submit and Check");
}
