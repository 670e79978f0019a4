/* SPDX-License-Identifier: Apache-2.0
 *
 * A required slot is empty.
 */
#include "base.h"

TEST_PLUGIN(table.cancel = NULL)
