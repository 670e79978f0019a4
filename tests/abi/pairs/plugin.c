/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that uses what its header and its host have. Built with the header of each minor, so it
 * knows nothing of newer ones. What happens to an instance goes, a word a line, into the file that
 * its configuration {"trace":"PATH"} names.
 */
#include <dcp/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern const unsigned char dcp_manifest_data[];
extern const size_t dcp_manifest_size;

struct dcp_instance {
  const dcp_host_api *host;
  char trace[512];
};

static dcp_bytes Bytes(const char *text) {
  dcp_bytes bytes;
  bytes.data = (const uint8_t *)text;
  bytes.size = strlen(text);
  return bytes;
}

static void Trace(const dcp_instance *self, const char *word) {
  FILE *file = self->trace[0] == '\0' ? NULL : fopen(self->trace, "a");
  if (file == NULL) return;
  fprintf(file, "%s\n", word);
  fclose(file);
}

static dcp_code Validate(const dcp_host_api *host, dcp_bytes config) {
  if (config.size > 0 && config.data[0] == '{') return DCP_OK;
  host->set_error(host->host, DCP_INVALID_ARGUMENT, Bytes("the configuration is not an object"));
  return DCP_INVALID_ARGUMENT;
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  dcp_instance *self = (dcp_instance *)calloc(1, sizeof(*self));
  char text[600] = "";
  if (self == NULL) return DCP_RESOURCE_EXHAUSTED;
  self->host = host;
  memcpy(text, config.data, config.size < sizeof(text) ? config.size : sizeof(text) - 1);
  (void)sscanf(text, "{\"trace\":\"%511[^\"]", self->trace);
  *out = self;
  return DCP_OK;
}

#if DCP_ABI_MINOR >= 1
typedef struct work {
  dcp_instance *self;
  dcp_call *call;
} work;

static void Answer(void *user) {
  work *todo = (work *)user;
  todo->self->host->complete(todo->call, DCP_OK, Bytes("{\"kinds\":[\"posted\"]}"));
  free(todo);
}

static int PostAnswer(dcp_instance *self, dcp_call *call) {
  work *todo;
  if (!DCP_HAS(self->host, dcp_host_api, post)) return 0;
  todo = (work *)malloc(sizeof(*todo));
  if (todo == NULL) return 0;
  todo->self = self;
  todo->call = call;
  if (self->host->post(self->host->host, Answer, todo) == DCP_OK) return 1;
  free(todo);
  return 0;
}

static void Late(void *user) {
  const struct timespec pause = {0, 50000000};
  nanosleep(&pause, NULL);
  Trace((const dcp_instance *)user, "late");
}

static void Drain(dcp_instance *self) {
  Trace(self, "drain");
  if (self->host->post(self->host->host, Late, self) != DCP_OK) Trace(self, "not taken");
}
#endif

static void Destroy(dcp_instance *self) {
#if DCP_ABI_MINOR >= 1
  if (DCP_HAS(self->host, dcp_host_api, post)) {
    dcp_code code = self->host->post(self->host->host, Late, self);
    Trace(self, code == DCP_FAILED_PRECONDITION ? "refused" : "taken in destroy");
  }
#endif
  Trace(self, "destroy");
  free(self);
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  (void)request;
  if (method.size != 8 || memcmp(method.data, "Describe", 8) != 0) return DCP_UNIMPLEMENTED;
  if (self->host->emit(call, DCP_EVENT_PROGRESS, Bytes("{}")) != DCP_OK) return DCP_ABORTED;
#if DCP_ABI_MINOR >= 1
  if (PostAnswer(self, call)) return DCP_OK;
#endif
  self->host->complete(call, DCP_OK, Bytes("{\"kinds\":[\"inline\"]}"));
  return DCP_OK;
}

static void Cancel(dcp_instance *self, dcp_call *call) {
  (void)self;
  (void)call;
}

static const void *Extension(const char *id) {
  (void)id;
  return NULL;
}

static void Fill(dcp_plugin_api *table) {
  table->struct_size = (uint32_t)TEST_STRUCT_SIZE;
  table->abi_minor = DCP_ABI_MINOR;
  table->min_host_minor = TEST_MIN_HOST_MINOR;
  table->flags = 0;
  table->descriptor.data = dcp_manifest_data;
  table->descriptor.size = dcp_manifest_size;
  table->validate = Validate;
  table->create = Create;
  table->destroy = Destroy;
  table->invoke = Invoke;
  table->cancel = Cancel;
  table->extension = Extension;
#if DCP_ABI_MINOR >= 1
  table->drain = Drain;
#endif
}

/* The table ends where the memory ends: a host that reads further than it may dies of it. */
DCP_EXPORT const dcp_plugin_api *dcp_plugin_v1(void);
const dcp_plugin_api *dcp_plugin_v1(void) {
  static dcp_plugin_api *table = NULL;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (table == NULL) {
    char *memory = (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == (char *)MAP_FAILED || mprotect(memory + page, page, PROT_NONE) != 0) return NULL;
    table = (dcp_plugin_api *)(void *)(memory + page - sizeof(dcp_plugin_api));
    Fill(table);
  }
  return table;
}
