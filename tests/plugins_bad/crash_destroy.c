/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes when it is destroyed.
 */
#include "base.h"

static void Destroy(dcp_instance *self) {
  (void)self;
  abort();
}

TEST_PLUGIN(table.destroy = Destroy)
