/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls a function that no library has. Loaded lazily it would crash at the first call.
 */
#include "base.h"

void dcp_test_function_nobody_defines(void);

TEST_PLUGIN(dcp_test_function_nobody_defines())
