/* SPDX-License-Identifier: Apache-2.0
 *
 * host PLUGIN WANTED SCRATCH: a host in C, built with the header of each minor, that makes calls to
 * PLUGIN through the tables. WANTED is how a call must have been answered (posted, inline), or why
 * the plugin must be refused (short, newer). SCRATCH is a file for the plugin's trace.
 */
#include <dcp/plugin.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);  \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)
#define CALLS 100

struct dcp_call {
  int events;
  int completions;
  dcp_code code;
  char body[64];
};

struct dcp_host {
  int unused;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static dcp_host the_host;
static char error[128];

static void Log(dcp_host *host, dcp_level level, dcp_call *call, dcp_bytes text) {
  (void)level;
  (void)call;
  (void)text;
  CHECK(host == &the_host);
}

static int32_t Cancelled(dcp_call *call) {
  (void)call;
  return 0;
}

static int64_t DeadlineNs(dcp_call *call) {
  (void)call;
  return 0;
}

static dcp_code Emit(dcp_call *call, dcp_event kind, dcp_bytes body) {
  CHECK(kind == DCP_EVENT_PROGRESS && body.size == 2);
  ++call->events;
  return DCP_OK;
}

static void Complete(dcp_call *call, dcp_code code, dcp_bytes body) {
  pthread_mutex_lock(&mutex);
  ++call->completions;
  call->code = code;
  CHECK(body.size < sizeof(call->body));
  memcpy(call->body, body.data, body.size);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

static void SetError(dcp_host *host, dcp_code code, dcp_bytes text) {
  CHECK(host == &the_host && code == DCP_INVALID_ARGUMENT && text.size < sizeof(error));
  memcpy(error, text.data, text.size);
}

static const void *Extension(dcp_host *host, const char *id) {
  (void)host;
  (void)id;
  return NULL;
}

#if DCP_ABI_MINOR >= 1
static int takes_posts = 0;
static int posted = 0;

typedef struct post {
  void (*run)(void *user);
  void *user;
} post;

static void *RunPost(void *user) {
  post *todo = (post *)user;
  todo->run(todo->user);
  free(todo);
  pthread_mutex_lock(&mutex);
  --posted;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static dcp_code Post(dcp_host *host, void (*run)(void *user), void *user) {
  pthread_t thread;
  post *todo = (post *)malloc(sizeof(*todo));
  int open;
  CHECK(host == &the_host && todo != NULL);
  pthread_mutex_lock(&mutex);
  open = takes_posts;
  posted += open;
  pthread_mutex_unlock(&mutex);
  if (!open) {
    free(todo);
    return DCP_FAILED_PRECONDITION;
  }
  todo->run = run;
  todo->user = user;
  CHECK(pthread_create(&thread, NULL, RunPost, todo) == 0);
  CHECK(pthread_detach(thread) == 0);
  return DCP_OK;
}

static void TakePosts(void) {
  takes_posts = 1;
}

/* What a host of 1.1 does before destroy(). */
static void DrainAndWait(const dcp_plugin_api *plugin, dcp_instance *self) {
  if (DCP_HAS(plugin, dcp_plugin_api, drain) && plugin->drain != NULL) plugin->drain(self);
  pthread_mutex_lock(&mutex);
  while (posted > 0) pthread_cond_wait(&changed, &mutex);
  takes_posts = 0;
  pthread_mutex_unlock(&mutex);
}
#else
static void TakePosts(void) {}
static void DrainAndWait(const dcp_plugin_api *plugin, dcp_instance *self) {
  (void)plugin;
  (void)self;
}
#endif

/* The table ends where the memory ends: a plugin that reads further than it may dies of it. */
static dcp_host_api *MakeTable(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  dcp_host_api *table;
  char *memory = (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                              -1, 0);
  CHECK(memory != (char *)MAP_FAILED && mprotect(memory + page, page, PROT_NONE) == 0);
  table = (dcp_host_api *)(void *)(memory + page - sizeof(dcp_host_api));
  table->struct_size = DCP_HOST_API_SIZE;
  table->abi_minor = DCP_ABI_MINOR;
  table->host = &the_host;
  table->log = Log;
  table->cancelled = Cancelled;
  table->deadline_ns = DeadlineNs;
  table->emit = Emit;
  table->complete = Complete;
  table->set_error = SetError;
  table->extension = Extension;
#if DCP_ABI_MINOR >= 1
  table->post = Post;
#endif
  return table;
}

static void MakeCalls(const dcp_plugin_api *plugin, dcp_instance *self, const char *wanted) {
  static dcp_call calls[CALLS];
  const dcp_bytes describe = {(const uint8_t *)"Describe", 8};
  const dcp_bytes unknown = {(const uint8_t *)"Unknown", 7};
  const dcp_bytes request = {(const uint8_t *)"{}", 2};
  char body[64];
  dcp_call refused;
  int i;
  snprintf(body, sizeof(body), "{\"kinds\":[\"%s\"]}", wanted);
  for (i = 0; i < CALLS; ++i) {
    CHECK(plugin->invoke(self, &calls[i], describe, request) == DCP_OK);
  }
  pthread_mutex_lock(&mutex);
  for (i = 0; i < CALLS; ++i) {
    while (calls[i].completions == 0) pthread_cond_wait(&changed, &mutex);
    CHECK(calls[i].completions == 1 && calls[i].events == 1 && calls[i].code == DCP_OK);
    CHECK(strcmp(calls[i].body, body) == 0);
  }
  pthread_mutex_unlock(&mutex);
  plugin->cancel(self, &calls[0]); /* late: harmless */
  CHECK(plugin->invoke(self, &refused, unknown, request) == DCP_UNIMPLEMENTED);
}

static const char *ReasonToRefuse(const dcp_plugin_api *plugin) {
  if (plugin->struct_size < DCP_PLUGIN_API_MIN) return "short";
  if (plugin->min_host_minor > DCP_ABI_MINOR) return "newer";
  return NULL;
}

static void CheckTrace(const char *path, int drains) {
  const char *wanted = drains ? "drain\nlate\nrefused\ndestroy\n" : "destroy\n";
  char text[128] = "";
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  CHECK(fread(text, 1, sizeof(text) - 1, file) > 0);
  fclose(file);
  CHECK(strcmp(text, wanted) == 0);
}

int main(int argc, char **argv) {
  const dcp_bytes bad = {(const uint8_t *)"no", 2};
  dcp_host_api *host = MakeTable();
  dcp_instance *self = NULL;
  const dcp_plugin_api *plugin;
  dcp_entry_fn entry;
  dcp_bytes config;
  char text[600];
  void *library;
  CHECK(argc == 4);
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  CHECK(library != NULL);
  *(void **)&entry = dlsym(library, DCP_ENTRY_SYMBOL);
  CHECK(entry != NULL);
  plugin = entry();
  CHECK(plugin != NULL && plugin == entry());
  if (ReasonToRefuse(plugin) != NULL) {
    CHECK(strcmp(ReasonToRefuse(plugin), argv[2]) == 0);
    return 0;
  }
  remove(argv[3]);
  config.data = (const uint8_t *)text;
  config.size = (size_t)snprintf(text, sizeof(text), "{\"trace\":\"%s\"}", argv[3]);
  CHECK(plugin->validate(host, bad) == DCP_INVALID_ARGUMENT && error[0] != '\0');
  CHECK(plugin->validate(host, config) == DCP_OK);
  TakePosts();
  CHECK(plugin->create(host, config, &self) == DCP_OK && self != NULL);
  MakeCalls(plugin, self, argv[2]);
  DrainAndWait(plugin, self);
  plugin->destroy(self);
  CheckTrace(argv[3], strcmp(argv[2], "posted") == 0);
  return 0;
}
