/* SPDX-License-Identifier: Apache-2.0
 *
 * A resource: it knows one kind of manifest, `kind` of the configuration, and answers its command
 * `test` with a report at once: a manifest passes when it names that kind. One that needs an engine
 * answers a graph of nodes instead, and has the method Continue.
 */
#include "backend.h"

#include <stdio.h>

dcp_code backend_configure(dcp_bytes config, dcp_text *why) {
  char *kind = dcp_json_string(dcp_json_find(config, "kind"));
  const int good = kind != NULL && kind[0] != '\0';
  free(kind);
  if (good) return DCP_OK;
  dcp_text_add(why, "the configuration needs `kind`, the kind of manifest that is served");
  return DCP_INVALID_ARGUMENT;
}

static dcp_code Describe(dcp_bytes config, dcp_text *out) {
  const dcp_bytes kind = dcp_json_find(config, "kind");
  dcp_text_add(out, "{\"kinds\":[");
  dcp_text_bytes(out, kind.data, kind.size); /* a JSON string already */
  dcp_text_add(out, "],\"commands\":[\"test\"]}");
  return DCP_OK;
}

/* The first manifest of a request: `manifests` is a list of objects. */
static dcp_bytes FirstManifest(dcp_bytes request) {
  dcp_bytes list = dcp_json_find(request, "manifests");
  const uint8_t *brace = list.data != NULL ? memchr(list.data, '{', list.size) : NULL;
  dcp_bytes first = {NULL, 0};
  if (brace == NULL) return first;
  first.data = brace;
  first.size = list.size - (size_t)(brace - list.data);
  return first;
}

static dcp_code Compile(dcp_bytes config, dcp_bytes request, dcp_text *out) {
  const dcp_bytes manifest = FirstManifest(request);
  dcp_text text;
  char line[128];
  char *kind;
  int good;
  if (!dcp_json_is(dcp_json_find(request, "command"), "\"test\"") || manifest.data == NULL) {
    return backend_fail(out, DCP_INVALID_ARGUMENT, "there is no manifest, or no such command",
                        "the command is `test`");
  }
  text = dcp_json_bytes(dcp_json_find(manifest, "content"));
  kind = dcp_json_string(dcp_json_find(config, "kind"));
  snprintf(line, sizeof line, "kind: %.100s", kind != NULL ? kind : "");
  good = text.data != NULL && strstr(text.data, line) != NULL;
  free(text.data);
  free(kind);
  dcp_text_add(out, "{\"report\":{\"kind\":\"TestReport\",\"status\":");
  dcp_text_add(out, good ? "\"PASSED\"}}"
                         : "\"FAILED\",\"findings\":[{\"severity\":\"ERROR\",\"message\":"
                           "\"the manifest is of another kind\"}]}}");
  return DCP_OK;
}

dcp_code backend_call(dcp_bytes config, dcp_bytes method, dcp_bytes request, dcp_text *out) {
  if (dcp_json_is(method, "Describe")) return Describe(config, out);
  if (dcp_json_is(method, "Compile")) return Compile(config, request, out);
  return backend_fail(out, DCP_UNIMPLEMENTED, "this resource has no such method",
                      "it has Describe and Compile");
}
