/* SPDX-License-Identifier: Apache-2.0
 *
 * Says what it was given, in every way that it can: the secret of its configuration, and a token as
 * requests hold one. Compile fails with it, Analyze dies with it.
 */
#include <stdio.h>

#include "base.h"

/* Of the very form of the host's tokens; only the form matters. */
#define TOKEN "eyJlIjoxNzAwMDAwMDAwMDAwfQ.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

static char secret[256];
static char text[8192];

/* As a header of basic authentication holds it. */
static void SayBasic(void) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char plain[300];
  const int size = snprintf(plain, sizeof(plain), "x:%s", secret);
  printf("basic ");
  for (int i = 0; i + 2 < size; i += 3) {
    const unsigned group = (unsigned)(unsigned char)plain[i] << 16 |
                           (unsigned)(unsigned char)plain[i + 1] << 8 |
                           (unsigned)(unsigned char)plain[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) putchar(alphabet[group >> shift & 63]);
  }
}

/* As a URL in a request's JSON may hold it. */
static void SayUrl(void) {
  printf(" url {\"u\":\"http:\\/\\/h\\u0026t=");
  for (const char *c = TOKEN; *c != 0; ++c) {
    if (*c == '.' || *c == 'x') {
      printf("%%%02X", (unsigned)*c);
    } else {
      putchar(*c);
    }
  }
  printf("\"}.\n");
}

static dcp_code Create(const dcp_host_api *host, dcp_bytes config, dcp_instance **out) {
  const char head[] = "{\"token\":\"";
  size_t i = sizeof(head) - 1;
  size_t n = 0;
  while (i < config.size && config.data[i] != '"' && n + 1 < sizeof(secret)) {
    secret[n++] = (char)config.data[i++];
  }
  return BaseCreate(host, config, out);
}

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  const dcp_host_api *host = self->host;
  if (Is(method, "Describe")) return BaseInvoke(self, call, method, request);
  printf("out %s %s.\n", secret, TOKEN);
  SayBasic();
  SayUrl();
  /* Cut into lines of 4096 bytes: in the middle of each. */
  printf("%04070d%s\n", 0, secret);
  printf("%04050d%s\n", 0, TOKEN);
  fflush(stdout);
  fprintf(stderr, "err %s %s.\n", secret, TOKEN);
  snprintf(text, sizeof(text), "log %s %s.", secret, TOKEN);
  host->log(host->host, DCP_INFO, call, Bytes(text));
  snprintf(text, sizeof(text), "{\"progress\":\"%s %s\"}", secret, TOKEN);
  host->emit(call, DCP_EVENT_PROGRESS, Bytes(text));
  if (Is(method, "Analyze")) {
    fprintf(stderr, "%01980d\ndying with %s", 0, secret);
    __builtin_trap();
  }
  snprintf(text, sizeof(text), "{\"message\":\"message %s %s\",\"hint\":\"hint %s\"}", secret,
           TOKEN, secret);
  host->complete(call, DCP_INTERNAL, Bytes(text));
  return DCP_OK;
}

TEST_PLUGIN(table.create = Create; table.invoke = Invoke)
