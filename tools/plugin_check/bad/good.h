/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin in C that passes every check. Each file beside this one takes it whole and puts one
 * fault into it, where one check looks.
 */
#ifndef DCP_CHECK_GOOD_H
#define DCP_CHECK_GOOD_H

#include <stdio.h>
#include <time.h>

#include "base.h"

/* JSON, as far as a configuration of this plugin needs it: one object, well formed. */
struct text {
  const uint8_t *at;
  const uint8_t *end;
};

static inline void Blank(struct text *t) {
  while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t')) ++t->at;
}

static inline int Take(struct text *t, uint8_t c) {
  Blank(t);
  if (t->at >= t->end || *t->at != c) return 0;
  ++t->at;
  return 1;
}

/* Printable ASCII without escapes: stricter than JSON, and enough. */
static inline int String(struct text *t) {
  if (!Take(t, '"')) return 0;
  while (t->at < t->end && *t->at >= ' ' && *t->at < 0x7F && *t->at != '"' && *t->at != '\\')
    ++t->at;
  return t->at < t->end && *t->at++ == '"';
}

static inline int Word(struct text *t) {
  const uint8_t *begun;
  Blank(t);
  begun = t->at;
  while (t->at < t->end && ((*t->at >= 'a' && *t->at <= 'z') || (*t->at >= '0' && *t->at <= '9')))
    ++t->at;
  return t->at > begun;
}

static inline int IsConfig(dcp_bytes config) {
  struct text t = {config.data, config.data + config.size};
  if (config.size == 0 || !Take(&t, '{')) return 0;
  if (!Take(&t, '}')) {
    do {
      if (!String(&t) || !Take(&t, ':')) return 0;
      Blank(&t);
      if (!(t.at < t.end && *t.at == '"' ? String(&t) : Word(&t))) return 0;
    } while (Take(&t, ','));
    if (!Take(&t, '}')) return 0;
  }
  Blank(&t);
  return t.at == t.end;
}

static inline dcp_code Refuse(const dcp_host_api *host, const char *why) {
  host->set_error(host->host, DCP_INVALID_ARGUMENT, Bytes(why));
  return DCP_INVALID_ARGUMENT;
}

static inline dcp_code GoodValidate(const dcp_host_api *host, dcp_bytes config) {
  return IsConfig(config) ? DCP_OK : Refuse(host, "the configuration is no object");
}

static inline dcp_code GoodCreate(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  if (!IsConfig(config)) return Refuse(host, "the configuration is no object");
  return BaseCreate(host, config, out);
}

static inline dcp_code End(dcp_instance *self, dcp_call *call, dcp_code code, const char *body) {
  self->host->complete(call, code, Bytes(body));
  return DCP_OK;
}

static inline int IsLate(dcp_instance *self, dcp_call *call) {
  const int64_t deadline = self->host->deadline_ns(call);
  struct timespec now;
  if (deadline == 0) return 0;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec >= deadline;
}

/* Analyze: an event of each kind, then an answer. */
static inline dcp_code GoodAnalyze(dcp_instance *self, dcp_call *call) {
  const dcp_host_api *host = self->host;
  dcp_code code;
  host->log(host->host, DCP_INFO, call, Bytes("analyzing"));
  code = host->emit(call, DCP_EVENT_PROGRESS, Bytes("{\"state\":\"working\"}"));
  if (code == DCP_OK) code = host->emit(call, DCP_EVENT_DATA, Bytes("a row"));
  if (code != DCP_OK) return End(self, call, code, "{\"message\":\"stopped as asked\"}");
  return End(self, call, DCP_OK, "{\"engine\":\"good\"}");
}

static inline dcp_code GoodInvoke(dcp_instance *self, dcp_call *call, dcp_bytes method,
                                  dcp_bytes request) {
  const int describe = Is(method, "Describe");
  const int compile = Is(method, "Compile");
  (void)request;
  if (!describe && !compile && !Is(method, "Analyze")) return DCP_UNIMPLEMENTED;
  if (self->host->cancelled(call)) return End(self, call, DCP_CANCELLED, "");
  if (IsLate(self, call))
    return End(self, call, DCP_DEADLINE_EXCEEDED, "{\"message\":\"too late\"}");
  if (describe) return End(self, call, DCP_OK, "{\"kinds\":[\"Good\"]}");
  if (compile) return End(self, call, DCP_INVALID_ARGUMENT, "{\"message\":\"no command\"}");
  return GoodAnalyze(self, call);
}

/* Some faults are for the worker alone: it has an empty environment. */
static inline int InWorker(void) { return getenv("PATH") == NULL; }

static inline void GoodTable(dcp_plugin_api *table) {
  BaseTable(table);
  table->validate = GoodValidate;
  table->create = GoodCreate;
  table->invoke = GoodInvoke;
}

/* The entry symbol over a table that `spoil` changes. */
#define GOOD_PLUGIN(spoil)                              \
  DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void); \
  const dcp_plugin_api *dcp_plugin_v1(void) {           \
    static dcp_plugin_api table;                        \
    GoodTable(&table);                                  \
    spoil;                                              \
    return &table;                                      \
  }

/* A fault in invoke(): before the good answer, when the method is asked for. */
#define BAD_INVOKE(name, ...)                                                  \
  static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, \
                         dcp_bytes request) {                                  \
    if (Is(method, name)) {                                                    \
      __VA_ARGS__;                                                             \
    }                                                                          \
    return GoodInvoke(self, call, method, request);                            \
  }                                                                            \
  GOOD_PLUGIN(table.invoke = Invoke)

#endif /* DCP_CHECK_GOOD_H */
