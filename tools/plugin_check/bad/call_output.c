/* SPDX-License-Identifier: Apache-2.0 */
/* Prints in a call. */
#include "good.h"

BAD_INVOKE("Compile", puts("compiling"))
