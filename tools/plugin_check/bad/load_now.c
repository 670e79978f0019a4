/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a function that nobody defines. */
#include "good.h"

extern int dcp_bad_nobody(void);

BAD_INVOKE("Compile", dcp_bad_nobody())
