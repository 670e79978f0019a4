#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_host_exports.sh PROGRAM PLUGIN...: the daemon's program exports nothing of ours, and nothing
# that these plugins leave undefined. What such a plugin binds to in the daemon's process are the C
# and C++ runtimes alone.
set -eu
program=$1
shift
[ $# -gt 0 ] || { echo "no plugins given" >&2; exit 1; }
exported=$(nm -D --defined-only "$program" | awk '{print $NF}' | sed 's/@.*//' | sort -u)
[ -n "$exported" ] || { echo "$program exports nothing at all, so nm did not read it" >&2; exit 1; }
if printf '%s\n' "$exported" | grep -E '3dcp|dcp_'; then
  echo "$program exports symbols of ours" >&2
  exit 1
fi
status=0
for plugin in "$@"; do
  undefined=$(nm -D --undefined-only "$plugin" | awk '{print $NF}' | sed 's/@.*//' | sort -u)
  shared=$(printf '%s\n%s\n' "$exported" "$undefined" | sort | uniq -d)
  if [ -n "$shared" ]; then
    echo "$plugin would bind to symbols of $program:" $shared >&2
    status=1
  fi
done
exit $status
