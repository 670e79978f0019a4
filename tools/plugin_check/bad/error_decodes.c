/* SPDX-License-Identifier: Apache-2.0 */
/* Fails with words that are no Error. */
#include "good.h"

BAD_INVOKE("Compile", return End(self, call, DCP_NOT_FOUND, "it went wrong"))
