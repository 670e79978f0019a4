/* SPDX-License-Identifier: Apache-2.0 */
/* An address in the code itself, which the loader has to write there. */
#include "good.h"

__asm__(
    ".pushsection .text\n"
    ".balign 8\n"
    ".quad dcp_bad_place\n"
    "dcp_bad_place: nop\n"
    ".popsection\n");

GOOD_PLUGIN()
