#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_layout.sh PROGRAM GOLDEN: the layout that PROGRAM prints must be the golden one.
set -eu
"$1" | diff -u "$2" -
