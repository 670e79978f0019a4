/* SPDX-License-Identifier: Apache-2.0
 *
 * As much JSON as a plugin in C needs, header-only and with libc alone: finds a value in a message,
 * decodes it, and builds an answer. C11 and C++17. A value is a view into the message, which must
 * outlive it. Everything here is reentrant. [any]
 *
 *   dcp_bytes directory = dcp_json_find(request, "lease.directory");
 *   char *path = dcp_json_string(directory);                 // free() it
 *   dcp_text out = {0};
 *   dcp_text_add(&out, "{\"handle\":");
 *   dcp_text_json(&out, path);                               // quoted and escaped
 *   dcp_text_add(&out, "}");                                 // out.data, out.size; free(out.data)
 */
#ifndef DCP_SDK_JSON_H
#define DCP_SDK_JSON_H

#include <dcp/plugin.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text that grows. Zero it to begin; free(data) at the end. NUL-terminated. */
typedef struct dcp_text {
  char *data;
  size_t size;
  size_t room;
  int failed; /* memory ran out: the text is not whole */
} dcp_text;

static inline void dcp_text_bytes(dcp_text *text, const void *data, size_t size) {
  if (text->size + size + 1 > text->room) {
    const size_t room = 2 * text->room + size + 64;
    char *grown = (char *)realloc(text->data, room);
    if (grown == NULL) {
      text->failed = 1;
      return;
    }
    text->data = grown;
    text->room = room;
  }
  if (size > 0) memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = '\0';
}

static inline void dcp_text_add(dcp_text *text, const char *more) {
  dcp_text_bytes(text, more, strlen(more));
}

static inline dcp_bytes dcp_text_view(const dcp_text *text) {
  dcp_bytes bytes;
  bytes.data = (const uint8_t *)text->data;
  bytes.size = text->size;
  return bytes;
}

/* Appends `more`, which is UTF-8, as a JSON string. */
static inline void dcp_text_json(dcp_text *text, const char *more) {
  static const char kHex[] = "0123456789abcdef";
  dcp_text_add(text, "\"");
  for (; *more != '\0'; ++more) {
    const unsigned char c = (unsigned char)*more;
    char escape[6] = {'\\', 'u', '0', '0', 0, 0};
    if (c == '"' || c == '\\') {
      escape[1] = *more;
      dcp_text_bytes(text, escape, 2);
    } else if (c < 0x20 || c == 0x7F) {
      escape[4] = kHex[c >> 4];
      escape[5] = kHex[c & 15];
      dcp_text_bytes(text, escape, 6);
    } else {
      dcp_text_bytes(text, more, 1);
    }
  }
  dcp_text_add(text, "\"");
}

/* Appends bytes in base64, as the contract's `bytes` fields are in JSON. */
static inline void dcp_text_base64(dcp_text *text, const void *data, size_t size) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *in = (const uint8_t *)data;
  size_t i;
  for (i = 0; i < size; i += 3) {
    const size_t n = size - i < 3 ? size - i : 3;
    const uint32_t bits = (uint32_t)in[i] << 16 | (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                          (n > 2 ? (uint32_t)in[i + 2] : 0);
    char four[4];
    four[0] = kDigits[bits >> 18];
    four[1] = kDigits[bits >> 12 & 63];
    four[2] = n > 1 ? kDigits[bits >> 6 & 63] : '=';
    four[3] = n > 2 ? kDigits[bits & 63] : '=';
    dcp_text_bytes(text, four, 4);
  }
}

/* ---- Reading ---------------------------------------------------------------------------- */

static inline const char *dcp_json_skip_(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

/* The end of the string that begins at `at` (a quote), or NULL. */
static inline const char *dcp_json_string_end_(const char *at, const char *end) {
  for (++at; at < end; ++at) {
    if (*at == '\\') {
      ++at;
    } else if (*at == '"') {
      return at + 1;
    }
  }
  return NULL;
}

/* The end of the value that begins at `at`, or NULL. Brackets are counted, not matched: the host
 * sends nothing that is not JSON. */
static inline const char *dcp_json_value_end_(const char *at, const char *end) {
  size_t depth = 0;
  while (at < end) {
    if (*at == '"') {
      at = dcp_json_string_end_(at, end);
      if (at == NULL) return NULL;
    } else if (*at == '{' || *at == '[') {
      ++depth;
      ++at;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      --depth;
      ++at;
    } else if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\t' || *at == '\n' ||
                              *at == '\r' || *at == ':')) {
      return at;
    } else {
      ++at;
      continue;
    }
    if (depth == 0) return at;
  }
  return depth == 0 ? at : NULL;
}

/* One member of an object; data is NULL when there is none. Keys are compared as they stand. */
static inline dcp_bytes dcp_json_member_(dcp_bytes object, const char *key, size_t key_size) {
  const char *at = (const char *)object.data;
  const char *end = at + object.size;
  dcp_bytes none = {NULL, 0};
  if (object.data == NULL) return none;
  at = dcp_json_skip_(at, end);
  if (at >= end || *at != '{') return none;
  ++at;
  for (;;) {
    const char *name;
    const char *name_end;
    const char *value_end;
    at = dcp_json_skip_(at, end);
    if (at < end && *at == ',') at = dcp_json_skip_(at + 1, end);
    if (at >= end || *at != '"') return none;
    name = at + 1;
    name_end = dcp_json_string_end_(at, end);
    if (name_end == NULL) return none;
    at = dcp_json_skip_(name_end, end);
    if (at >= end || *at != ':') return none;
    at = dcp_json_skip_(at + 1, end);
    value_end = dcp_json_value_end_(at, end);
    if (value_end == NULL || value_end == at) return none;
    if ((size_t)(name_end - 1 - name) == key_size && memcmp(name, key, key_size) == 0) {
      dcp_bytes found;
      found.data = (const uint8_t *)at;
      found.size = (size_t)(value_end - at);
      return found;
    }
    at = value_end;
  }
}

/* The value at a path of keys, "lease.directory", as it stands in the message: a string with its
 * quotes, an object with its braces. data is NULL when it is absent. */
static inline dcp_bytes dcp_json_find(dcp_bytes json, const char *path) {
  while (json.data != NULL && *path != '\0') {
    const char *dot = strchr(path, '.');
    const size_t size = dot != NULL ? (size_t)(dot - path) : strlen(path);
    json = dcp_json_member_(json, path, size);
    path += size + (dot != NULL ? 1 : 0);
  }
  return json;
}

/* Whether the value is exactly this text: dcp_json_is(value, "true"), dcp_json_is(v, "\"EXITED\"").
 */
static inline int dcp_json_is(dcp_bytes value, const char *text) {
  return value.data != NULL && value.size == strlen(text) &&
         memcmp(value.data, text, value.size) == 0;
}

/* Four hex digits, or -1. */
static inline long dcp_json_hex_(const char *at, const char *end) {
  long value = 0;
  int i;
  if (end - at < 4) return -1;
  for (i = 0; i < 4; ++i) {
    const char c = at[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

static inline void dcp_text_utf8_(dcp_text *text, unsigned long c) {
  char out[4];
  size_t size = 1;
  out[0] = (char)c;
  if (c >= 0x10000) {
    size = 4;
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
  } else if (c >= 0x800) {
    size = 3;
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
  } else if (c >= 0x80) {
    size = 2;
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 63));
  }
  dcp_text_bytes(text, out, size);
}

/* One escape, `at` behind its backslash; answers the end of it, or NULL. */
static inline const char *dcp_json_escape_(dcp_text *out, const char *at, const char *end) {
  static const char kNames[] = "\"\\/bfnrt";
  static const char kBytes[] = "\"\\/\b\f\n\r\t";
  const char *name = *at != '\0' ? strchr(kNames, *at) : NULL;
  unsigned long c;
  long low;
  if (name != NULL) {
    dcp_text_bytes(out, kBytes + (name - kNames), 1);
    return at + 1;
  }
  if (*at != 'u' || dcp_json_hex_(at + 1, end) <= 0) return NULL; /* \u0000 cannot be C text */
  c = (unsigned long)dcp_json_hex_(at + 1, end);
  at += 5;
  if (c >= 0xD800 && c < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    low = dcp_json_hex_(at + 2, end);
    if (low >= 0xDC00 && low < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + ((unsigned long)low - 0xDC00);
      at += 6;
    }
  }
  dcp_text_utf8_(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
  return at;
}

/* A JSON string decoded to NUL-terminated UTF-8; free() it. NULL when the value is no string, holds
 * a NUL, or memory ran out. */
static inline char *dcp_json_string(dcp_bytes value) {
  const char *at = (const char *)value.data;
  const char *end = at + value.size;
  dcp_text out = {NULL, 0, 0, 0};
  if (at == NULL || value.size < 2 || *at != '"') return NULL;
  dcp_text_bytes(&out, "", 0);
  for (++at, --end; at != NULL && at < end;) {
    if (*at == '\\') {
      at = at + 1 < end ? dcp_json_escape_(&out, at + 1, end) : NULL;
    } else {
      dcp_text_bytes(&out, at++, 1);
    }
  }
  if (at != NULL && !out.failed) return out.data;
  free(out.data);
  return NULL;
}

/* A whole number, also one that stands as text (the contract's 64-bit numbers do); else `none`. */
static inline long long dcp_json_int(dcp_bytes value, long long none) {
  char digits[24];
  char *end = NULL;
  const size_t skip = value.data != NULL && value.size >= 2 && value.data[0] == '"' ? 1 : 0;
  const size_t size = value.size - 2 * skip;
  long long number;
  if (value.data == NULL || size == 0 || size >= sizeof digits) return none;
  memcpy(digits, value.data + skip, size);
  digits[size] = '\0';
  number = strtoll(digits, &end, 10);
  return *end == '\0' ? number : none;
}

/* The bytes of a `bytes` field (base64 in a JSON string), with a NUL behind them; free(data). data
 * is NULL when the value is none. */
static inline dcp_text dcp_json_bytes(dcp_bytes value) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  dcp_text out = {NULL, 0, 0, 0};
  char *text = dcp_json_string(value);
  uint32_t bits = 0;
  int count = 0;
  size_t i;
  if (text == NULL) return out;
  dcp_text_bytes(&out, "", 0);
  for (i = 0; text[i] != '\0' && text[i] != '='; ++i) {
    const char *digit = strchr(kDigits, text[i]);
    char byte;
    if (digit == NULL) break;
    bits = bits << 6 | (uint32_t)(digit - kDigits);
    if (++count % 4 == 1) continue;
    byte = (char)(bits >> (4 - count % 4) % 4 * 2 & 0xFF);
    dcp_text_bytes(&out, &byte, 1);
  }
  free(text);
  return out;
}

#ifdef __cplusplus
}
#endif
#endif /* DCP_SDK_JSON_H */
