/* SPDX-License-Identifier: Apache-2.0
 *
 * Needs a host that is newer than this one.
 */
#include "base.h"

TEST_PLUGIN(table.min_host_minor = 7)
