/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints on both streams, among it what looks like a frame.
 */
#include <stdio.h>

#include "base.h"

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  int i;
  for (i = 0; i < 2000; ++i) {
    printf("%s line %d\n", "\x05\x01", i);
    fprintf(stderr, "complaint %d\n", i);
  }
  fflush(stdout);
  return BaseInvoke(self, call, method, request);
}

TEST_PLUGIN(table.invoke = Invoke)
