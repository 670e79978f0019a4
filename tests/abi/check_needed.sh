#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_needed.sh PROGRAM: what the worker links directly or through others (its NEEDED closure)
# holds neither protobuf nor gRPC nor a logging library: a plugin brings its own copies, and two of
# one kind in a process end it.
set -eu
direct=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$direct" ] || { echo "$1 needs nothing at all, which cannot be" >&2; exit 1; }
closure=$(ldd "$1")
if printf '%s\n%s\n' "$direct" "$closure" | grep -E 'protobuf|grpc|absl|spdlog|libfmt|libssl'; then
  echo "$1 links what a plugin may bring itself" >&2
  exit 1
fi
