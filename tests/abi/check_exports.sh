#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_exports.sh PLUGIN...: each plugin defines exactly one dynamic symbol, the entry.
set -eu
[ $# -gt 0 ] || { echo "no plugins given" >&2; exit 1; }
status=0
for plugin in "$@"; do
  symbols=$(nm -D --defined-only "$plugin" | awk '{print $NF}' | sed 's/@.*//')
  if [ "$symbols" != dcp_plugin_v1 ]; then
    echo "$plugin exports more or less than dcp_plugin_v1:" $symbols >&2
    status=1
  fi
done
exit $status
