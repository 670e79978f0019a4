/* SPDX-License-Identifier: Apache-2.0 */
/* Knows no end of what is nested. */
#include "good.h"

static int Depth(dcp_bytes request) {
  int depth = 0;
  size_t i;
  for (i = 0; i < request.size && depth < 1000; ++i) depth += request.data[i] == '[';
  return depth;
}

BAD_INVOKE("Compile", if (Depth(request) >= 1000) abort())
