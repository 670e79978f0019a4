/* SPDX-License-Identifier: Apache-2.0
 *
 * Jumps out of a call into a function that has returned.
 */
#include <setjmp.h>

#include "base.h"

static jmp_buf place;

static int Mark(void) { return setjmp(place); }

static dcp_code Invoke(dcp_instance *self, dcp_call *call, dcp_bytes method, dcp_bytes request) {
  if (!Is(method, "Compile")) return BaseInvoke(self, call, method, request);
  if (Mark() != 0) abort();
  longjmp(place, 1);
}

TEST_PLUGIN(table.invoke = Invoke)
