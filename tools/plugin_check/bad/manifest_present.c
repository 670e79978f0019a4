/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin without the section; its table has a descriptor all the same. */
#include "good.h"

const unsigned char dcp_manifest_data[] = "{}";
const size_t dcp_manifest_size = 2;

GOOD_PLUGIN()
