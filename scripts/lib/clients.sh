# SPDX-License-Identifier: Apache-2.0
# Other people's Iceberg clients, which tests/clients drives against a playground: what scripts/test needs beside setup_all, and
# neither the demo nor the stack does. To be sourced after setup.sh; the same rules: quick when done, nothing at run time.
# pretzel_root and pretzel_local are setup.sh's.
# shellcheck shell=bash disable=SC2154

pretzel_clients=$pretzel_local/clients # a Python environment: DuckDB with its extensions, Daft
pretzel_rck=$pretzel_local/rck         # jars: Iceberg's REST Compatibility Kit
pretzel_go=$pretzel_local/go           # bin/iceberg_go

clients_venv_make() {
  local wanted=$1
  setup_stamped "$pretzel_clients" "$wanted" && return
  setup_say "making the Python environment of the stock clients (a download of 175 MB)"
  rm -rf "$pretzel_clients"
  setup_logged clients-venv python3 -m venv "$pretzel_clients"
  # Wheels alone: nothing in it has to be built.
  setup_logged clients-pip "$pretzel_clients/bin/pip" install --disable-pip-version-check --no-input --no-cache-dir \
    --require-hashes --only-binary :all: -r "$pretzel_root/stack/requirements-clients.txt"
  echo "$wanted" >"$pretzel_clients/.stamp"
}

clients_rck_make() {
  local wanted=$1 fresh=$pretzel_local/rck.new
  setup_stamped "$pretzel_rck" "$wanted" && return
  setup_say "fetching Iceberg's REST Compatibility Kit (14 MB)"
  rm -rf "$fresh"
  mkdir -p "$fresh"
  setup_maven_copy rck "$fresh"
  setup_check_jars "$fresh" jars-clients.sha256
  rm -rf "$pretzel_rck"
  mv "$fresh" "$pretzel_rck"
  echo "$wanted" >"$pretzel_rck/.stamp"
}

# Debian's Go fetches the newer one and checks it against stack/go/go.sum. A module's files come without the run bit.
clients_toolchain() {
  local fresh=$1
  setup_logged go-toolchain env -C "$pretzel_root/stack/go" GOFLAGS=-modcacherw "GOMODCACHE=$fresh/mod" \
    /usr/bin/go mod download
  mv "$fresh"/mod/golang.org/toolchain@* "$fresh/toolchain"
  chmod -R u+x "$fresh/toolchain/bin" "$fresh/toolchain/pkg/tool"
}

# What it was built with is 1.5 GB, and goes: only the program stays.
clients_go_make() {
  local wanted=$1 fresh=$pretzel_local/go.new
  setup_stamped "$pretzel_go" "$wanted" && return
  setup_say "building the Go client (270 MB of sources; minutes, once: .local/log/go-build.log)"
  rm -rf "$fresh"
  mkdir -p "$fresh/bin"
  clients_toolchain "$fresh"
  setup_logged go-build env -C "$pretzel_root/tests/clients/iceberg_go" GOFLAGS=-modcacherw GOTOOLCHAIN=local GOROOT= \
    CGO_ENABLED=0 "GOMODCACHE=$fresh/mod" "GOCACHE=$fresh/cache" \
    "$fresh/toolchain/bin/go" build -p 2 -trimpath -ldflags '-s -w' -o "$fresh/bin/iceberg_go" .
  rm -rf "$fresh"/{toolchain,mod,cache} "$pretzel_go"
  mv "$fresh" "$pretzel_go"
  echo "$wanted" >"$pretzel_go/.stamp"
}

# clients_part FOLDER NAME MAKE FILE...: made anew when one of the files changed.
clients_part() {
  local folder=$1 name=$2 make=$3 wanted
  shift 3
  wanted=$(setup_hash "$@")
  setup_stamped "$folder" "$wanted" || setup_locked "$name" "$make" "$wanted"
}

setup_clients() {
  local stack=$pretzel_root/stack client=$pretzel_root/tests/clients/iceberg_go
  clients_part "$pretzel_clients" clients clients_venv_make "$stack/requirements-clients.txt"
  clients_part "$pretzel_rck" rck clients_rck_make "$stack/pom.xml" "$stack/versions.env" "$stack/jars-clients.sha256"
  clients_part "$pretzel_go" go clients_go_make "$stack"/go/go.* "$client"/go.* "$client"/*.go
}
