/* SPDX-License-Identifier: Apache-2.0
 *
 * A host for unit tests of a plugin: no daemon, no worker, the same process. It records what the
 * plugin says and watches the contract of dcp/plugin.h: each breach is a line in its list of
 * violations, which a good test expects to be empty. Header-only, C11 and C++17, needs pthreads.
 * Time and cancellation are the test's: it sets deadlines and cancels when it likes.
 *
 *   dcp_test_host *host = dcp_test_host_load("./my_backend.so");
 *   assert(dcp_test_create(host, "{}") == DCP_OK);
 *   dcp_call *call = dcp_test_invoke(host, "Check", "{}", 0);
 *   assert(dcp_test_wait(host, call, 5000) == DCP_OK);
 *   puts(dcp_test_body(call));
 *   assert(dcp_test_host_free(host) == 0);                   // how often the contract was broken
 *
 * Functions may be called from one test thread; the plugin may call back from any.
 */
#ifndef DCP_SDK_TESTING_H
#define DCP_SDK_TESTING_H

#include <dcp/plugin.h>
#include <dcp/sdk/json.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What dcp_test_wait() answers when the call is not at its end yet: no code of the contract. */
#define DCP_TEST_PENDING (-1)

typedef struct dcp_host dcp_test_host;

struct dcp_call {
  dcp_test_host *host;
  dcp_call *next;
  int accepted; /* 0 refused, 1 taken, 2 while invoke() runs */
  int completions;
  int cancelled;
  int64_t deadline_ns;
  dcp_code code;
  dcp_text body;
  dcp_text data;     /* events of kind DATA, a line each */
  dcp_text progress; /* the newest */
};

struct dcp_host {
  dcp_host_api api;
  const dcp_plugin_api *plugin;
  dcp_instance *instance;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  dcp_call *calls; /* all, also ended ones: they are freed with the host */
  int in_setup;    /* within validate() or create() */
  int errors_set;
  dcp_code error_code;
  dcp_text error;
  dcp_text logs; /* a line each: "INFO text" */
  dcp_text violations;
  int violation_count;
};

/* ---- What the plugin calls ---------------------------------------------------------------- */

/* Under the mutex. */
static inline void dcp_test_violation_(dcp_test_host *host, const char *what) {
  ++host->violation_count;
  dcp_text_add(&host->violations, what);
  dcp_text_add(&host->violations, "\n");
}

/* Whether bytes may be borrowed: NULL only with size 0. Under the mutex. */
static inline void dcp_test_bytes_(dcp_test_host *host, dcp_bytes bytes, const char *what) {
  if (bytes.data == NULL && bytes.size > 0) dcp_test_violation_(host, what);
}

static inline dcp_call *dcp_test_known_(dcp_test_host *host, dcp_call *call) {
  dcp_call *each = host->calls;
  while (each != NULL && each != call) each = each->next;
  return each;
}

static inline void dcp_test_log_(dcp_host *host, dcp_level level, dcp_call *call, dcp_bytes text) {
  static const char *const kNames[] = {"TRACE ", "DEBUG ", "INFO ", "WARNING ", "ERROR ", "FATAL "};
  pthread_mutex_lock(&host->mutex);
  if (level < DCP_TRACE || level > DCP_FATAL) dcp_test_violation_(host, "log: unknown level");
  if (call != NULL && dcp_test_known_(host, call) == NULL) {
    dcp_test_violation_(host, "log: for a call that is not this host's");
  }
  dcp_test_bytes_(host, text, "log: text is NULL");
  dcp_text_add(&host->logs, level >= DCP_TRACE && level <= DCP_FATAL ? kNames[level] : "? ");
  dcp_text_bytes(&host->logs, text.data, text.size);
  dcp_text_add(&host->logs, "\n");
  pthread_mutex_unlock(&host->mutex);
}

static inline int32_t dcp_test_cancelled_(dcp_call *call) {
  int32_t cancelled;
  pthread_mutex_lock(&call->host->mutex);
  cancelled = call->cancelled;
  pthread_mutex_unlock(&call->host->mutex);
  return cancelled;
}

static inline int64_t dcp_test_deadline_(dcp_call *call) {
  int64_t deadline;
  pthread_mutex_lock(&call->host->mutex);
  deadline = call->deadline_ns;
  pthread_mutex_unlock(&call->host->mutex);
  return deadline;
}

static inline dcp_code dcp_test_emit_(dcp_call *call, dcp_event kind, dcp_bytes body) {
  dcp_test_host *host = call->host;
  dcp_code code = DCP_OK;
  pthread_mutex_lock(&host->mutex);
  dcp_test_bytes_(host, body, "emit: body is NULL");
  if (call->accepted == 0) dcp_test_violation_(host, "emit: for a call that was refused");
  if (call->completions > 0) dcp_test_violation_(host, "emit: after complete");
  if (kind == DCP_EVENT_DATA) {
    dcp_text_bytes(&call->data, body.data, body.size);
    dcp_text_add(&call->data, "\n");
    if (call->cancelled) code = DCP_CANCELLED;
  } else if (kind == DCP_EVENT_PROGRESS) {
    call->progress.size = 0;
    dcp_text_bytes(&call->progress, body.data, body.size);
  } else {
    dcp_test_violation_(host, "emit: unknown kind");
  }
  pthread_mutex_unlock(&host->mutex);
  return code;
}

static inline void dcp_test_complete_(dcp_call *call, dcp_code code, dcp_bytes body) {
  dcp_test_host *host = call->host;
  pthread_mutex_lock(&host->mutex);
  dcp_test_bytes_(host, body, "complete: body is NULL");
  if (call->accepted == 0) dcp_test_violation_(host, "complete: for a call that was refused");
  if (code < DCP_OK || code > DCP_UNAUTHENTICATED) dcp_test_violation_(host, "complete: bad code");
  if (++call->completions > 1) {
    dcp_test_violation_(host, "complete: a second time");
  } else {
    call->code = code;
    dcp_text_bytes(&call->body, body.data, body.size);
  }
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->mutex);
}

static inline void dcp_test_set_error_(dcp_host *host, dcp_code code, dcp_bytes text) {
  pthread_mutex_lock(&host->mutex);
  if (!host->in_setup) dcp_test_violation_(host, "set_error: outside validate() and create()");
  if (code <= DCP_OK || code > DCP_UNAUTHENTICATED)
    dcp_test_violation_(host, "set_error: bad code");
  if (text.size == 0) dcp_test_violation_(host, "set_error: without a text");
  ++host->errors_set;
  host->error_code = code;
  host->error.size = 0;
  dcp_text_bytes(&host->error, text.data, text.size);
  pthread_mutex_unlock(&host->mutex);
}

static inline const void *dcp_test_extension_(dcp_host *host, const char *id) {
  (void)host;
  (void)id;
  return NULL;
}

/* ---- What the test calls ------------------------------------------------------------------ */

static inline dcp_bytes dcp_test_view_(const char *text) {
  dcp_bytes bytes;
  bytes.data = (const uint8_t *)text;
  bytes.size = strlen(text);
  return bytes;
}

/* A host for a plugin's table, which is checked first. NULL only without memory. */
static inline dcp_test_host *dcp_test_host_new(const dcp_plugin_api *plugin) {
  dcp_test_host *host = (dcp_test_host *)calloc(1, sizeof(dcp_test_host));
  pthread_condattr_t attributes;
  if (host == NULL) return NULL;
  pthread_mutex_init(&host->mutex, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&host->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  host->api.struct_size = DCP_HOST_API_MIN;
  host->api.abi_minor = 0;
  host->api.host = host;
  host->api.log = dcp_test_log_;
  host->api.cancelled = dcp_test_cancelled_;
  host->api.deadline_ns = dcp_test_deadline_;
  host->api.emit = dcp_test_emit_;
  host->api.complete = dcp_test_complete_;
  host->api.set_error = dcp_test_set_error_;
  host->api.extension = dcp_test_extension_;
  host->plugin = plugin;
  dcp_text_add(&host->logs, "");
  dcp_text_add(&host->error, "");
  dcp_text_add(&host->violations, "");
  if (plugin == NULL || plugin->struct_size < DCP_PLUGIN_API_MIN || plugin->validate == NULL ||
      plugin->create == NULL || plugin->destroy == NULL || plugin->invoke == NULL ||
      plugin->cancel == NULL || plugin->extension == NULL || plugin->descriptor.size == 0) {
    dcp_test_violation_(host, "table: missing, short, or with an empty slot");
    host->plugin = NULL;
  }
  return host;
}

/* A host for a built plugin; prints why and answers NULL when it cannot be loaded. */
static inline dcp_test_host *dcp_test_host_load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  dcp_entry_fn entry = NULL;
  if (library != NULL) *(void **)&entry = dlsym(library, DCP_ENTRY_SYMBOL);
  if (entry == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return NULL;
  }
  return dcp_test_host_new(entry());
}

static inline dcp_code dcp_test_setup_(dcp_test_host *host, const char *config, int create) {
  dcp_code code;
  if (host->plugin == NULL) return DCP_INTERNAL;
  pthread_mutex_lock(&host->mutex);
  host->in_setup = 1;
  host->errors_set = 0;
  host->error.size = 0;
  dcp_text_add(&host->error, "");
  pthread_mutex_unlock(&host->mutex);
  code = create ? host->plugin->create(&host->api, dcp_test_view_(config), &host->instance)
                : host->plugin->validate(&host->api, dcp_test_view_(config));
  pthread_mutex_lock(&host->mutex);
  host->in_setup = 0;
  if (code != DCP_OK && host->errors_set == 0) {
    dcp_test_violation_(
        host, create ? "create: failed without set_error" : "validate: failed without set_error");
  }
  if (create && code == DCP_OK && host->instance == NULL) {
    dcp_test_violation_(host, "create: succeeded without an instance");
  }
  if (create && code != DCP_OK) host->instance = NULL;
  pthread_mutex_unlock(&host->mutex);
  return code;
}

static inline dcp_code dcp_test_validate(dcp_test_host *host, const char *config_json) {
  return dcp_test_setup_(host, config_json, 0);
}
/* One instance a host. */
static inline dcp_code dcp_test_create(dcp_test_host *host, const char *config_json) {
  return dcp_test_setup_(host, config_json, 1);
}
/* What set_error() was given last, or "". */
static inline const char *dcp_test_error(const dcp_test_host *host) { return host->error.data; }

/* Starts a call. The request's bytes are gone when invoke() returns, as the contract allows.
 * `deadline_ns` on CLOCK_MONOTONIC; 0 for none. The call lives as long as the host. */
static inline dcp_call *dcp_test_invoke(dcp_test_host *host, const char *method,
                                        const char *request_json, int64_t deadline_ns) {
  dcp_call *call = (dcp_call *)calloc(1, sizeof(dcp_call));
  const size_t size = strlen(request_json);
  char *request = (char *)malloc(size + 1);
  dcp_bytes body;
  dcp_code code = DCP_INTERNAL;
  if (call == NULL || request == NULL) abort();
  memcpy(request, request_json, size + 1);
  body.data = (const uint8_t *)request;
  body.size = size;
  call->host = host;
  call->accepted = 2;
  call->deadline_ns = deadline_ns;
  dcp_text_add(&call->body, "");
  dcp_text_add(&call->data, "");
  dcp_text_add(&call->progress, "");
  pthread_mutex_lock(&host->mutex);
  call->next = host->calls;
  host->calls = call;
  pthread_mutex_unlock(&host->mutex);
  if (host->instance != NULL) {
    code = host->plugin->invoke(host->instance, call, dcp_test_view_(method), body);
  }
  memset(request, '#', size);
  free(request);
  pthread_mutex_lock(&host->mutex);
  call->accepted = code == DCP_OK;
  if (code != DCP_OK) {
    if (call->completions > 0) dcp_test_violation_(host, "invoke: refused, and completed");
    call->code = code;
  }
  pthread_mutex_unlock(&host->mutex);
  return call;
}

/* Asks the call to end. */
static inline void dcp_test_cancel(dcp_test_host *host, dcp_call *call) {
  pthread_mutex_lock(&host->mutex);
  call->cancelled = 1;
  pthread_mutex_unlock(&host->mutex);
  host->plugin->cancel(host->instance, call);
}

/* The call's code, or DCP_TEST_PENDING when it has not ended within the time. */
static inline dcp_code dcp_test_wait(dcp_test_host *host, dcp_call *call, int64_t timeout_ms) {
  struct timespec until;
  dcp_code code;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    ++until.tv_sec;
  }
  pthread_mutex_lock(&host->mutex);
  while (call->accepted != 0 && call->completions == 0) {
    if (pthread_cond_timedwait(&host->changed, &host->mutex, &until) != 0) break;
  }
  code = call->accepted == 0 || call->completions > 0 ? call->code : DCP_TEST_PENDING;
  pthread_mutex_unlock(&host->mutex);
  return code;
}

/* What the call answered, and emitted; read them after its end. They live as long as the host. */
static inline const char *dcp_test_body(const dcp_call *call) { return call->body.data; }
static inline const char *dcp_test_data(const dcp_call *call) { return call->data.data; }
static inline const char *dcp_test_progress(const dcp_call *call) { return call->progress.data; }
/* Log lines, and breaches so far, a line each. */
static inline const char *dcp_test_logs(const dcp_test_host *host) { return host->logs.data; }
static inline const char *dcp_test_violations(const dcp_test_host *host) {
  return host->violations.data;
}

/* Destroys the instance, prints the breaches to stderr and answers how many there were. A call that
 * was taken and has not ended is one. */
static inline int dcp_test_host_free(dcp_test_host *host) {
  int count;
  dcp_call *call;
  if (host->instance != NULL) host->plugin->destroy(host->instance);
  pthread_mutex_lock(&host->mutex);
  for (call = host->calls; call != NULL; call = call->next) {
    if (call->accepted && call->completions == 0) {
      dcp_test_violation_(host, "destroy: a call was never completed");
    }
  }
  count = host->violation_count;
  if (count > 0) fprintf(stderr, "the plugin broke its contract:\n%s", host->violations.data);
  pthread_mutex_unlock(&host->mutex);
  while (host->calls != NULL) {
    call = host->calls;
    host->calls = call->next;
    free(call->body.data);
    free(call->data.data);
    free(call->progress.data);
    free(call);
  }
  free(host->error.data);
  free(host->logs.data);
  free(host->violations.data);
  pthread_cond_destroy(&host->changed);
  pthread_mutex_destroy(&host->mutex);
  free(host);
  return count;
}

#ifdef __cplusplus
}
#endif
#endif /* DCP_SDK_TESTING_H */
