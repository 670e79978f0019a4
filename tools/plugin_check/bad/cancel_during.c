/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets a call that is cancelled while it runs. */
#include "good.h"

BAD_INVOKE(
    "Analyze", int i; const struct timespec pause = {0, 500000}; for (i = 0; i < 20; ++i) {
      const int was = self->host->cancelled(call);
      nanosleep(&pause, NULL);
      if (!was && self->host->cancelled(call)) return DCP_OK;
    })
