/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an instance of anything. */
#include "good.h"

GOOD_PLUGIN(table.create = BaseCreate)
