/* SPDX-License-Identifier: Apache-2.0 */
/* Every call leaves memory behind. */
#include "good.h"

static void *volatile kept;

BAD_INVOKE("Compile", kept = malloc(1000))
