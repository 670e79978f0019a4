/* SPDX-License-Identifier: Apache-2.0 */
/* Needs a newer host than its own header knows. */
#include "good.h"

GOOD_PLUGIN(table.abi_minor = 0; table.min_host_minor = 1)
