/* SPDX-License-Identifier: Apache-2.0
 *
 * A test backend whose engine is a command on this machine: Analyze describes a process, which the
 * host launches, and Interpret says what it found. The command is `/bin/sh -c COMMAND`, COMMAND from
 * the configuration. It finds in its environment
 *   REQUEST_FILE  request.json: the AnalyzeRequest. 0600, for it holds the catalog's token
 *   RESULT_FILE   where it writes {"columns": [{"name": "a", "type": "bigint"}]} before it exits
 *                 with 0; when it rejects the query it says why on stderr and exits with 1
 */
#include "backend.h"

dcp_code backend_configure(dcp_bytes config, dcp_text *why) {
  char *command = dcp_json_string(dcp_json_find(config, "command"));
  const int good = command != NULL && command[0] != '\0';
  free(command);
  if (good) return DCP_OK;
  dcp_text_add(why, "the configuration needs `command`, a shell command that checks a query");
  return DCP_INVALID_ARGUMENT;
}

static dcp_code Analyze(dcp_bytes config, dcp_bytes request, dcp_text *out) {
  const dcp_bytes command = dcp_json_find(config, "command");
  char *directory = dcp_json_string(dcp_json_find(request, "lease.directory"));
  dcp_text path = {NULL, 0, 0, 0};
  if (directory == NULL || directory[0] != '/' || dcp_json_find(request, "sql").data == NULL) {
    free(directory);
    return backend_fail(out, DCP_INVALID_ARGUMENT,
                        "cannot analyse: the request has no query, or no lease with a folder", "");
  }
  dcp_text_add(out, "{\"process\":{\"argv\":[\"/bin/sh\",\"-c\",");
  dcp_text_bytes(out, command.data, command.size); /* a JSON string already */
  dcp_text_add(out, "],\"env\":{\"REQUEST_FILE\":");
  dcp_text_add(&path, directory);
  dcp_text_add(&path, "/request.json");
  dcp_text_json(out, path.data != NULL ? path.data : "");
  dcp_text_add(out, ",\"RESULT_FILE\":");
  path.size = 0;
  dcp_text_add(&path, directory);
  dcp_text_add(&path, "/result.json");
  dcp_text_json(out, path.data != NULL ? path.data : "");
  dcp_text_add(out, ",\"PATH\":\"/usr/local/bin:/usr/bin:/bin\",\"LANG\":\"C.UTF-8\"},");
  dcp_text_add(out, "\"files\":[{\"path\":\"request.json\",\"content\":\"");
  dcp_text_base64(out, request.data, request.size);
  dcp_text_add(out, "\"}],\"stdoutFile\":\"output\",\"stderrFile\":\"errors\",");
  dcp_text_add(out, "\"resultFile\":\"result.json\"}}");
  out->failed = out->failed || path.failed;
  free(path.data);
  free(directory);
  return DCP_OK;
}

/* The command rejected the query: a result, not a failed call. */
static dcp_code Rejected(dcp_bytes process, dcp_text *out) {
  const dcp_bytes words = dcp_json_find(process, "stderrTail");
  dcp_text_add(out, "{\"valid\":false,\"findings\":[{\"severity\":\"ERROR\",\"message\":");
  if (words.size > 2) {
    dcp_text_bytes(out, words.data, words.size); /* a JSON string already */
  } else {
    dcp_text_json(out, "the command rejected the query and did not say why");
  }
  dcp_text_add(out, "}]}");
  return DCP_OK;
}

static dcp_code Interpret(dcp_bytes request, dcp_text *out) {
  const dcp_bytes process = dcp_json_find(request, "process");
  const int exited = dcp_json_is(dcp_json_find(process, "phase"), "\"EXITED\"");
  const int killed = dcp_json_int(dcp_json_find(process, "signal"), 0) != 0;
  dcp_text result;
  dcp_bytes columns;
  if (!exited || killed) {
    return backend_fail(out, DCP_UNAVAILABLE, "the command did not end by itself", "test again");
  }
  if (dcp_json_int(dcp_json_find(process, "exitCode"), 0) != 0) return Rejected(process, out);
  result = dcp_json_bytes(dcp_json_find(process, "result"));
  columns = dcp_json_find(dcp_text_view(&result), "columns");
  if (columns.data == NULL || columns.data[0] != '[') {
    free(result.data);
    return backend_fail(out, DCP_INTERNAL, "the command ended well and left no `columns`",
                        "let it write {\"columns\": [...]} to $RESULT_FILE");
  }
  dcp_text_add(out, "{\"valid\":true,\"engine\":\"command\",\"columns\":");
  dcp_text_bytes(out, columns.data, columns.size);
  dcp_text_add(out, "}");
  free(result.data);
  return DCP_OK;
}

dcp_code backend_call(dcp_bytes config, dcp_bytes method, dcp_bytes request, dcp_text *out) {
  if (dcp_json_is(method, "Analyze")) return Analyze(config, request, out);
  if (dcp_json_is(method, "Interpret")) return Interpret(request, out);
  return backend_fail(out, DCP_UNIMPLEMENTED, "this backend has no such method",
                      "it has Analyze and Interpret");
}
