/* SPDX-License-Identifier: Apache-2.0
 *
 * Describes itself otherwise than its manifest section does.
 */
#include "base.h"

TEST_PLUGIN(table.descriptor = Bytes("{\"id\":\"somebody_else\"}"))
