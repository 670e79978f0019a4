/* SPDX-License-Identifier: Apache-2.0
 *
 * A run backend that submits to a queue in a folder (../README.md). Its handle is the name of the
 * job's files, so everything that is known of a job lies in the queue.
 */
#include "backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Logs are answered in pieces, a result is one line. */
#define PIECE_BYTES 65536

static dcp_code Bad(dcp_text *out, const char *message) {
  return backend_fail(out, DCP_INVALID_ARGUMENT, message, "");
}

dcp_code backend_configure(dcp_bytes config, dcp_text *why) {
  char *spool = dcp_json_string(dcp_json_find(config, "spool"));
  const int good = spool != NULL && spool[0] == '/';
  free(spool);
  if (good) return DCP_OK;
  dcp_text_add(why, "the configuration needs `spool`, the absolute path of the queue's folder");
  return DCP_INVALID_ARGUMENT;
}

/* "SPOOL/KEY.suffix"; empty when the key cannot be a file's name. */
static dcp_text Path(dcp_bytes config, const char *key, const char *suffix) {
  dcp_text path = {NULL, 0, 0, 0};
  char *spool = dcp_json_string(dcp_json_find(config, "spool"));
  if (spool != NULL && key != NULL && key[0] != '\0' && key[0] != '.' && strchr(key, '/') == NULL) {
    dcp_text_add(&path, spool);
    dcp_text_add(&path, "/");
    dcp_text_add(&path, key);
    dcp_text_add(&path, suffix);
  }
  free(spool);
  return path;
}

/* At most PIECE_BYTES of a file from an offset; -1 when it is not there. */
static long ReadPiece(const char *path, long long offset, char *piece) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  long size = -1;
  if (file < 0) return -1;
  size = (long)pread(file, piece, PIECE_BYTES, (off_t)offset);
  close(file);
  return size;
}

/* Writes a file that appears whole, or not at all; one that is there stays as it is. */
static int Appear(const char *path, dcp_bytes content) {
  dcp_text fresh = {NULL, 0, 0, 0};
  int file = -1;
  int good = 0;
  dcp_text_add(&fresh, path);
  dcp_text_add(&fresh, ".XXXXXX");
  if (!fresh.failed) file = mkstemp(fresh.data); /* 0600: a job holds a token */
  if (file >= 0) {
    good = write(file, content.data, content.size) == (ssize_t)content.size && fsync(file) == 0;
    close(file);
    good = good && (link(fresh.data, path) == 0 || errno == EEXIST);
    unlink(fresh.data);
  }
  free(fresh.data);
  return good;
}

static dcp_code Submit(dcp_bytes config, dcp_bytes request, dcp_text *out) {
  char *key = dcp_json_string(dcp_json_find(request, "idempotencyKey"));
  const dcp_bytes job = dcp_json_find(request, "job");
  dcp_text name = {NULL, 0, 0, 0};
  dcp_text path;
  size_t i;
  int good;
  /* The host's key may hold anything; a file's name may not. */
  for (i = 0; key != NULL && key[i] != '\0'; ++i) {
    char hex[4];
    const char c = key[i];
    const int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    snprintf(hex, sizeof hex, plain ? "%c" : "_%02x", (unsigned)(unsigned char)c);
    dcp_text_add(&name, hex);
  }
  free(key);
  path = Path(config, name.data, ".job");
  if (job.data == NULL || path.data == NULL) {
    free(name.data);
    free(path.data);
    return Bad(out, "cannot submit: the request has no job, or no idempotency key");
  }
  good = Appear(path.data, job);
  free(path.data);
  if (good) {
    dcp_text_add(out, "{\"handle\":");
    dcp_text_json(out, name.data);
    dcp_text_add(out, "}");
  }
  free(name.data);
  if (good) return DCP_OK;
  return backend_fail(out, DCP_UNAVAILABLE, "cannot write the job into the queue",
                      "look at the folder `spool`");
}

/* What the queue's worker left. */
static void Conclude(dcp_bytes done, dcp_text *out) {
  const long long rows = dcp_json_int(dcp_json_find(done, "rows"), -1);
  char *error = dcp_json_string(dcp_json_find(done, "error"));
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", rows);
  if (rows >= 0) {
    dcp_text_add(out, "{\"state\":\"JOB_SUCCEEDED\",\"result\":{\"rows\":");
    dcp_text_json(out, digits);
    dcp_text_add(out, "}}");
  } else if (dcp_json_is(dcp_json_find(done, "cancelled"), "true")) {
    dcp_text_add(out, "{\"state\":\"JOB_CANCELLED\"}");
  } else {
    dcp_text_add(out, "{\"state\":\"JOB_FAILED\",\"findings\":[{\"severity\":\"ERROR\",\"message\":");
    dcp_text_json(out, error != NULL ? error : "the queue left a result that cannot be read");
    dcp_text_add(out, "}]}");
  }
  free(error);
}

static dcp_code Check(dcp_bytes config, const char *handle, dcp_text *out) {
  dcp_text job = Path(config, handle, ".job");
  dcp_text done = Path(config, handle, ".done");
  char *piece = (char *)malloc(PIECE_BYTES);
  const long size = piece != NULL && done.data != NULL ? ReadPiece(done.data, 0, piece) : -1;
  const int known = job.data != NULL && access(job.data, F_OK) == 0;
  dcp_code code = DCP_OK;
  if (size >= 0) {
    dcp_bytes text;
    text.data = (const uint8_t *)piece;
    text.size = (size_t)size;
    Conclude(text, out);
  } else if (known) {
    dcp_text_add(out, "{\"state\":\"JOB_PENDING\",\"detail\":\"in the queue\"}");
  } else {
    code = backend_fail(out, DCP_NOT_FOUND, "the queue has no such job", "");
  }
  free(piece);
  free(job.data);
  free(done.data);
  return code;
}

static dcp_code Cancel(dcp_bytes config, const char *handle, dcp_text *out) {
  dcp_text path = Path(config, handle, ".cancel");
  const dcp_bytes none = {(const uint8_t *)"", 0};
  const int good = path.data != NULL && Appear(path.data, none);
  free(path.data);
  if (!good) return backend_fail(out, DCP_UNAVAILABLE, "cannot write into the queue", "");
  dcp_text_add(out, "{}");
  return DCP_OK;
}

static dcp_code Logs(dcp_bytes config, const char *handle, long long offset, dcp_text *out) {
  dcp_text path = Path(config, handle, ".log");
  char *piece = (char *)malloc(PIECE_BYTES);
  long size = piece != NULL && path.data != NULL ? ReadPiece(path.data, offset, piece) : 0;
  char digits[24];
  if (size < 0) size = 0; /* nothing was written yet */
  dcp_text_add(out, "{\"data\":\"");
  dcp_text_base64(out, piece, (size_t)size);
  snprintf(digits, sizeof digits, "%lld", offset + size);
  dcp_text_add(out, "\",\"nextOffset\":");
  dcp_text_json(out, digits);
  dcp_text_add(out, "}");
  free(piece);
  free(path.data);
  return DCP_OK;
}

dcp_code backend_call(dcp_bytes config, dcp_bytes method, dcp_bytes request, dcp_text *out) {
  char *handle = dcp_json_string(dcp_json_find(request, "handle"));
  const long long offset = dcp_json_int(dcp_json_find(request, "offset"), 0);
  dcp_code code;
  if (dcp_json_is(method, "Submit")) {
    code = Submit(config, request, out);
  } else if (dcp_json_is(method, "Check")) {
    code = Check(config, handle, out);
  } else if (dcp_json_is(method, "Cancel")) {
    code = Cancel(config, handle, out);
  } else if (dcp_json_is(method, "Logs")) {
    code = offset < 0 ? Bad(out, "the offset is negative") : Logs(config, handle, offset, out);
  } else {
    code = backend_fail(out, DCP_UNIMPLEMENTED, "this backend has no such method",
                        "it has Submit, Check, Cancel and Logs");
  }
  free(handle);
  return code;
}
