/* SPDX-License-Identifier: Apache-2.0
 *
 * A table shorter than that of ABI 1.0.
 */
#include "base.h"

TEST_PLUGIN(table.struct_size = DCP_SIZE(dcp_plugin_api, cancel))
