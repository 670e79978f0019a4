/* SPDX-License-Identifier: Apache-2.0 */
/* Ends with a code that there is not. */
#include "good.h"

BAD_INVOKE("Compile", return End(self, call, 99, ""))
