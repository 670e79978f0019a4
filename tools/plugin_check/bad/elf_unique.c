/* SPDX-License-Identifier: Apache-2.0 */
/* A symbol of which there may be one in a process, as some inline variables of C++ are. */
#include "good.h"

__asm__(
    ".pushsection .data\n"
    ".globl dcp_bad_unique\n"
    ".type dcp_bad_unique, @gnu_unique_object\n"
    ".size dcp_bad_unique, 8\n"
    "dcp_bad_unique: .quad 0\n"
    ".popsection\n");

GOOD_PLUGIN()
