/* SPDX-License-Identifier: Apache-2.0 */
/* Ends before its last required slot. */
#include "good.h"

GOOD_PLUGIN(table.struct_size = DCP_PLUGIN_API_MIN - 8)
