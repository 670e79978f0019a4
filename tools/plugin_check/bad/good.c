/* SPDX-License-Identifier: Apache-2.0 */
/* No fault: passes everything. */
#include "good.h"

GOOD_PLUGIN()
