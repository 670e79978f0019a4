/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports something, and not the entry symbol.
 */
#include <dcp/plugin.h>

DCP_EXPORT int some_function(void);
int some_function(void) { return 1; }
