/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * The plugin ABI, major version 1 (release candidate: not frozen yet). A plugin is one shared
 * object that exports one function, dcp_plugin_v1. The host that loads it is the daemon itself or
 * a worker process; a plugin cannot tell which, and must not care. The messages that travel as
 * bytes are in plugin_api/proto; what may change is in docs/plugins/versioning.md.
 *
 * Rules that hold everywhere
 *   size     Structs that begin with struct_size grow at their end only. Who fills one writes
 *            DCP_SIZE(type, last field it knows); who reads one asks DCP_HAS() before any field
 *            newer than 1.0 and takes an absent field for zero. Larger than one's own is never
 *            an error; smaller is one only below the sizes of 1.0.
 *   memory   Bytes passed in are borrowed until the function returns; copy what must live
 *            longer. Nothing is freed by the side that did not allocate it.
 *   threads  [any] any thread, concurrently; [serial] one at a time for each instance.
 *   waiting  "blocks" may take long, and then honours cancellation; everything else returns at
 *            once.
 *   slots    "required": never NULL. "optional": may be NULL, and is then not called.
 *   unwind   No C++ exception and no longjmp leaves any function declared here.
 *   text     UTF-8 with a length, not NUL-terminated, unless the type is const char *.
 */
#ifndef DCP_PLUGIN_H
#define DCP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DCP_ABI_MAJOR 1u /* a break is a new entry symbol beside this one */

/* The minor that is compiled for. An author who sets an older one gets exactly its tables; what a
 * later minor adds stands in `#if DCP_TARGET_MINOR >= n`, at the end of its struct. */
#define DCP_NEWEST_MINOR 1
#ifndef DCP_TARGET_MINOR
#define DCP_TARGET_MINOR DCP_NEWEST_MINOR
#endif
#if DCP_TARGET_MINOR > DCP_NEWEST_MINOR
#error "this dcp/plugin.h is older than DCP_TARGET_MINOR: install a newer SDK or target an older minor"
#endif
#define DCP_ABI_MINOR (DCP_TARGET_MINOR + 0u)

#ifdef __cplusplus
#define DCP_SIZE(type, last) static_cast<uint32_t>(offsetof(type, last) + sizeof(type::last))
#else
#define DCP_SIZE(type, last) ((uint32_t)(offsetof(type, last) + sizeof(((type *)0)->last)))
#endif
#define DCP_HAS(pointer, type, field) ((pointer)->struct_size >= DCP_SIZE(type, field))

/* A view of bytes. Frozen for ever, so it may be passed by value. */
typedef struct dcp_bytes {
  const uint8_t *data;
  size_t size;
} dcp_bytes;

/* Outcome of a call. A number outside this list reads as DCP_UNKNOWN. */
typedef int32_t dcp_code;
#define DCP_OK 0
#define DCP_CANCELLED 1
#define DCP_UNKNOWN 2
#define DCP_INVALID_ARGUMENT 3
#define DCP_DEADLINE_EXCEEDED 4
#define DCP_NOT_FOUND 5
#define DCP_ALREADY_EXISTS 6
#define DCP_PERMISSION_DENIED 7
#define DCP_RESOURCE_EXHAUSTED 8
#define DCP_FAILED_PRECONDITION 9
#define DCP_ABORTED 10
#define DCP_OUT_OF_RANGE 11
#define DCP_UNIMPLEMENTED 12
#define DCP_INTERNAL 13
#define DCP_UNAVAILABLE 14
#define DCP_DATA_LOSS 15
#define DCP_UNAUTHENTICATED 16

/* Severity of a log line. */
typedef int32_t dcp_level;
#define DCP_TRACE 0
#define DCP_DEBUG 1
#define DCP_INFO 2
#define DCP_WARNING 3
#define DCP_ERROR 4
#define DCP_FATAL 5

/* What emit() carries. */
typedef uint32_t dcp_event;
#define DCP_EVENT_DATA 1u     /* in order and never dropped; emit may wait for room */
#define DCP_EVENT_PROGRESS 2u /* only the newest matters: the host may drop older ones */

typedef struct dcp_host dcp_host;         /* the host's; opaque */
typedef struct dcp_call dcp_call;         /* the host's: one running call; opaque */
typedef struct dcp_instance dcp_instance; /* the plugin's: one configured instance; opaque */

/* What the host offers. Lives until destroy() has returned; for validate(), until that returns. */
typedef struct dcp_host_api {
  uint32_t struct_size;
  uint32_t abi_minor;
  dcp_host *host; /* pass it back as first argument */

  /* Adds one line to the host's log; belongs to `call_or_null` when that is given.
   * [any] never fails - required - since 1.0 */
  void (*log)(dcp_host *host, dcp_level level, dcp_call *call_or_null, dcp_bytes text);
  /* 1 once somebody wants the call to stop, else 0.
   * [any] - required - since 1.0 */
  int32_t (*cancelled)(dcp_call *call);
  /* The call's deadline in nanoseconds on CLOCK_MONOTONIC; 0 when it has none.
   * [any] - required - since 1.0 */
  int64_t (*deadline_ns)(dcp_call *call);
  /* Sends one event of a running call. Answers DCP_OK, or the code to complete the call with.
   * [any] blocks while the host is full (DATA only) - required - since 1.0 */
  dcp_code (*emit)(dcp_call *call, dcp_event kind, dcp_bytes body);
  /* Ends a call, exactly once for each accepted one. With DCP_OK `body` is the response message;
   * otherwise an Error message in the plugin's encoding, or empty.
   * [any] - required - since 1.0 */
  void (*complete)(dcp_call *call, dcp_code code, dcp_bytes body);
  /* Says why validate() or create() is about to fail; plain text for a person.
   * [any] within those two functions - required - since 1.0 */
  void (*set_error)(dcp_host *host, dcp_code code, dcp_bytes text);
  /* An optional table by id, such as "dcp.secrets/1", or NULL. Any id may be asked for.
   * [any] - required - since 1.0 */
  const void *(*extension)(dcp_host *host, const char *id);
#if DCP_TARGET_MINOR >= 1
  /* Has run(user) called once, soon, on a thread of the host: 16 run at once, so none may wait for
   * another. DCP_OK: taken, and it has returned before destroy() is called. Otherwise not taken:
   * DCP_RESOURCE_EXHAUSTED when too many wait, DCP_FAILED_PRECONDITION before create() and from
   * destroy() on. [any] - required - since 1.1 */
  dcp_code (*post)(dcp_host *host, void (*run)(void *user), void *user);
#endif
} dcp_host_api;

/* What the plugin offers: constant data. */
typedef struct dcp_plugin_api {
  uint32_t struct_size;
  uint32_t abi_minor;      /* of the header it was built with */
  uint32_t min_host_minor; /* the oldest host it can work with */
  uint32_t flags;
#define DCP_FLAG_PARALLEL 1u /* invoke() may run concurrently on one instance */
  /* The manifest as JSON: the same bytes as in the ELF section ".dcp.manifest". */
  dcp_bytes descriptor;

  /* Checks a configuration (JSON) and nothing else: no network, no threads, no lasting effect.
   * On failure call set_error() first. [any] - required - since 1.0 */
  dcp_code (*validate)(const dcp_host_api *host, dcp_bytes config);
  /* Makes an instance from a configuration. On failure call set_error() first and leave nothing
   * behind; destroy() is then not called. [any] blocks - required - since 1.0 */
  dcp_code (*create)(const dcp_host_api *host, dcp_bytes config, dcp_instance **out);
  /* Ends an instance. No call is running; every thread it started has ended on return.
   * [serial] blocks - required - since 1.0 */
  void (*destroy)(dcp_instance *self);
  /* Starts a call. DCP_OK: taken, complete() follows, perhaps before this returns. Any other
   * code: not taken, and complete() must not be called for it.
   * [serial], or [any] with DCP_FLAG_PARALLEL - blocks - required - since 1.0 */
  dcp_code (*invoke)(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request);
  /* Asks that a call end soon; at most once for each call, and perhaps after complete(). `call`
   * lives until both have returned. [any] - required - since 1.0 */
  void (*cancel)(dcp_instance *self, dcp_call *call);
  /* An optional table by id, or NULL for every id it does not know.
   * [any] - required - since 1.0 */
  const void *(*extension)(const char *id);
#if DCP_TARGET_MINOR >= 1
  /* Says that no new call will come: finish what runs, cut short what only waits. Once, before
   * destroy(), perhaps while calls run. [any] blocks - optional - since 1.1 */
  void (*drain)(dcp_instance *self);
#endif
} dcp_plugin_api;

/* Sizes of the 1.0 tables: a shorter one is refused. Beside them those of the targeted minor. */
#define DCP_HOST_API_MIN DCP_SIZE(dcp_host_api, extension)
#define DCP_PLUGIN_API_MIN DCP_SIZE(dcp_plugin_api, extension)
#if DCP_TARGET_MINOR >= 1
#define DCP_HOST_API_SIZE DCP_SIZE(dcp_host_api, post)
#define DCP_PLUGIN_API_SIZE DCP_SIZE(dcp_plugin_api, drain)
#else
#define DCP_HOST_API_SIZE DCP_HOST_API_MIN
#define DCP_PLUGIN_API_SIZE DCP_PLUGIN_API_MIN
#endif

/* The one exported symbol. Pure: no effect, same answer each time, from any thread. [any] */
#define DCP_ENTRY_SYMBOL "dcp_plugin_v1"
#define DCP_MANIFEST_SECTION ".dcp.manifest"
typedef const dcp_plugin_api *(*dcp_entry_fn)(void);

#if defined(__GNUC__)
#define DCP_EXPORT __attribute__((visibility("default")))
#else
#define DCP_EXPORT
#endif

#ifdef __cplusplus
}
#endif
#endif /* DCP_PLUGIN_H */
