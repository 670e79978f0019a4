/* SPDX-License-Identifier: Apache-2.0 */
/* Has an extension of any name. */
#include "good.h"

static const void *Extension(const char *id) { return id; }

GOOD_PLUGIN(table.extension = Extension)
