#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# agent.sh SPOOL COMMAND: runs the jobs that are in the queue now, one after the other, and ends.
set -eu
cd "$1"
for job in *.job; do
  key=${job%.job}
  if [ ! -f "$job" ] || [ -f "$key.done" ]; then continue; fi
  if [ -f "$key.cancel" ]; then
    echo '{"cancelled": true}' > "$key.tmp"
  elif sh -c "$2" < "$job" > "$key.tmp" 2> "$key.log"; then
    :
  else
    echo '{"error": "the command failed"}' > "$key.tmp"
  fi
  mv "$key.tmp" "$key.done"
done
