/* SPDX-License-Identifier: Apache-2.0 */
/* Ends in the middle of a field. */
#include "good.h"

GOOD_PLUGIN(table.struct_size = DCP_PLUGIN_API_MIN + 3)
