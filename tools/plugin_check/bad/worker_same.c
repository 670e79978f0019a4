/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by its environment. */
#include "good.h"

BAD_INVOKE("Compile", if (InWorker()) return End(self, call, DCP_NOT_FOUND, ""))
