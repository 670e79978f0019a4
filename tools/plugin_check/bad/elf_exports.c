/* SPDX-License-Identifier: Apache-2.0 */
/* Linked without a version script, it shows a second symbol. */
#include "good.h"

DCP_EXPORT int dcp_bad_helper(void);
int dcp_bad_helper(void) { return 7; }

GOOD_PLUGIN()
