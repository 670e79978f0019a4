/* SPDX-License-Identifier: Apache-2.0 */
/* Sets a flag that there is not. */
#include "good.h"

GOOD_PLUGIN(table.flags = 4)
