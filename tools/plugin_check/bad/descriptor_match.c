/* SPDX-License-Identifier: Apache-2.0 */
/* Describes itself with a byte less than its section. */
#include "good.h"

GOOD_PLUGIN(table.descriptor.size -= 1)
