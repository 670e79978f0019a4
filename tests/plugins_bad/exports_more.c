/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin linked without the SDK's version script: a function of its own is everybody's.
 */
#include "base.h"

DCP_EXPORT int exported_by_accident(void);
int exported_by_accident(void) { return 1; }

TEST_PLUGIN(table.struct_size += (uint32_t)exported_by_accident() - 1U)
