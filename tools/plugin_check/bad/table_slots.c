/* SPDX-License-Identifier: Apache-2.0 */
/* Has no cancel(). */
#include "good.h"

GOOD_PLUGIN(table.cancel = NULL)
