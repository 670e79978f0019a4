# SPDX-License-Identifier: Apache-2.0
# What every script needs before it can do its job: Debian packages, the Python venv, the jars, the build. To be sourced by a
# bash script with `set -euo pipefail`. Each function does nothing, quickly, when its work is done; progress goes to stderr and
# what the tools print to .local/log/. The package managers' own configuration (proxies, mirrors, certificates) is theirs.

pretzel_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pretzel_local=$pretzel_root/.local
pretzel_venv=$pretzel_local/venv
pretzel_jars=$pretzel_local/jars
pretzel_nanoarrow=$pretzel_local/nanoarrow
# How much of a failed tool's log is shown; the rest is in the file that the message names.
setup_log_tail=40

setup_say() { printf '==> %s\n' "$*" >&2; }
setup_die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# setup_logged NAME COMMAND...: runs it with its output in .local/log/NAME.log, and shows the end of that when it fails.
setup_logged() {
  local name=$1 log=$pretzel_local/log/$1.log
  shift
  mkdir -p "$pretzel_local/log"
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n "$setup_log_tail" "$log" >&2
    setup_die "$name failed; the whole log is $log"
  fi
}

# Only one set-up at a time writes a folder: two terminals, or a test beside a demo. The lock ends with the subshell.
setup_locked() {
  mkdir -p "$pretzel_local"
  local name=$1
  shift
  (
    flock -w 1200 9 || setup_die "another set-up has held $pretzel_local/$name.lock for 20 minutes"
    "$@"
  ) 9>"$pretzel_local/$name.lock"
}

setup_hash() { cat "$@" | sha256sum | cut -d' ' -f1; }

# setup_stamped DIR HASH: is DIR complete and made from this input?
setup_stamped() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]; }

# setup_missing_packages LIST: a file of scripts/lib.
setup_missing_packages() {
  local wanted
  wanted=$(sed 's/#.*//' "$pretzel_root/scripts/lib/$1")
  # dpkg-query prints nothing for a name it never heard of, so the answer is a difference of lists.
  # shellcheck disable=SC2086
  comm -23 <(printf '%s\n' $wanted | sort -u) \
    <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^ii *//p' | sort -u)
}

# setup_debian_packages [LIST]: what the builds and tests need; scripts/fuzz has a list of its own beside it.
# shellcheck disable=SC2120
setup_debian_packages() {
  local list=${1:-debian-packages.txt} missing as_root=()
  command -v dpkg-query >/dev/null || setup_die "this is no Debian system; install the packages named in scripts/lib/$list by other means"
  missing=$(setup_missing_packages "$list")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || setup_die "these Debian packages are missing, and there is no sudo to install them with: $(echo $missing)"
    as_root=(sudo --preserve-env=DEBIAN_FRONTEND)
  fi
  setup_say "installing $(wc -w <<<"$missing") Debian packages"
  export DEBIAN_FRONTEND=noninteractive
  setup_logged apt-update "${as_root[@]}" apt-get -q -o Acquire::Retries=3 update
  # shellcheck disable=SC2086
  setup_logged apt-install "${as_root[@]}" apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install $missing
}

setup_venv_make() {
  local wanted=$1 requirements=$pretzel_root/stack/requirements.txt
  setup_stamped "$pretzel_venv" "$wanted" && return
  setup_say "making the Python environment (Spark is a download of 450 MB)"
  rm -rf "$pretzel_venv"
  setup_logged venv python3 -m venv "$pretzel_venv"
  setup_logged pip-build "$pretzel_venv/bin/pip" install --disable-pip-version-check --no-input --require-hashes \
    -r "$pretzel_root/stack/requirements-build.txt"
  # Without isolation a source distribution is built with the pinned tools just installed, not with whatever is newest.
  setup_logged pip "$pretzel_venv/bin/pip" install --disable-pip-version-check --no-input --no-cache-dir --require-hashes \
    --no-build-isolation -r "$requirements"
  echo "$wanted" >"$pretzel_venv/.stamp"
}

setup_venv() {
  local wanted
  wanted=$(setup_hash "$pretzel_root/stack/requirements.txt" "$pretzel_root/stack/requirements-build.txt")
  setup_stamped "$pretzel_venv" "$wanted" || setup_locked venv setup_venv_make "$wanted"
}

# setup_maven_copy PROFILE FOLDER: the profile's runtime class path of stack/pom.xml into FOLDER.
setup_maven_copy() {
  local profile=$1 folder=$2
  # shellcheck source=../../stack/versions.env
  . "$pretzel_root/stack/versions.env"
  setup_logged "maven-$profile" mvn -B -ntp -f "$pretzel_root/stack/pom.xml" "-P$profile" \
    "-Dspark.version=$SPARK_VERSION" "-Diceberg.version=$ICEBERG_VERSION" "-Dhadoop.version=$HADOOP_VERSION" \
    "-Djetty.version=$JETTY_VERSION" "-Dsqlite-jdbc.version=$SQLITE_JDBC_VERSION" "-Dslf4j.version=$SLF4J_VERSION" \
    "-Djunit-platform.version=$JUNIT_PLATFORM_VERSION" "-Dassertj.version=$ASSERTJ_VERSION" \
    "-Ddependency-plugin.version=$MAVEN_DEPENDENCY_PLUGIN_VERSION" \
    "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN_VERSION:copy-dependencies" \
    -DincludeScope=runtime "-DoutputDirectory=$folder"
}

# setup_jar_sums FOLDER: one line a jar, in the form of jars.sha256.
setup_jar_sums() { (cd "$1" && find . -name '*.jar' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum); }

# setup_check_jars FOLDER SUMS: a jar that changed, is missing or came on top all end here, before anything has run one.
setup_check_jars() {
  local folder=$1 sums=$pretzel_root/stack/$2
  if ! diff -u <(grep -v '^#' "$sums") <(setup_jar_sums "$folder") >"$pretzel_local/log/jars.diff"; then
    tail -n "$setup_log_tail" "$pretzel_local/log/jars.diff" >&2
    setup_die "the jars from Maven are not those of stack/$2; nothing was installed"
  fi
}

setup_jars_make() {
  local wanted=$1 fresh=$pretzel_local/jars.new profile
  setup_stamped "$pretzel_jars" "$wanted" && return
  setup_say "fetching the catalog's and Spark's jars"
  rm -rf "$fresh"
  mkdir -p "$fresh" "$pretzel_local/log"
  for profile in catalog spark protos; do setup_maven_copy "$profile" "$fresh/$profile"; done
  setup_check_jars "$fresh" jars.sha256
  rm -rf "$pretzel_local/protos"
  setup_logged protos unzip -q -o "$fresh/protos/*.jar" 'spark/connect/*.proto' -d "$pretzel_local/protos"
  rm -rf "$pretzel_jars"
  mv "$fresh" "$pretzel_jars"
  echo "$wanted" >"$pretzel_jars/.stamp"
}

setup_jars() {
  local wanted
  wanted=$(setup_hash "$pretzel_root/stack/pom.xml" "$pretzel_root/stack/versions.env" "$pretzel_root/stack/jars.sha256")
  setup_stamped "$pretzel_jars" "$wanted" || setup_locked jars setup_jars_make "$wanted"
}

# Only sources are wanted, so pip is given a backend that builds nothing: scripts/lib/sdist.
setup_nanoarrow_make() {
  local wanted=$1 fresh=$pretzel_local/nanoarrow.new
  setup_stamped "$pretzel_nanoarrow" "$wanted" && return
  setup_say "fetching nanoarrow's sources"
  rm -rf "$fresh"
  mkdir -p "$fresh"
  setup_logged nanoarrow env PYTHONPATH="$pretzel_root/scripts/lib/sdist" "$pretzel_venv/bin/pip" download \
    --disable-pip-version-check --no-input --no-cache-dir --no-deps --no-binary :all: --no-build-isolation --require-hashes \
    -r "$pretzel_root/stack/sources.txt" -d "$fresh"
  setup_logged nanoarrow-unpack tar -xzf "$fresh"/nanoarrow-*.tar.gz -C "$fresh" --strip-components=2 --wildcards \
    'nanoarrow-*/subprojects/arrow-nanoarrow/src/nanoarrow' 'nanoarrow-*/subprojects/flatcc-*/include' \
    'nanoarrow-*/subprojects/flatcc-*/src/runtime'
  mv "$fresh"/arrow-nanoarrow/src "$fresh/src"
  mv "$fresh"/flatcc-* "$fresh/flatcc"
  rm -rf "$fresh"/nanoarrow-*.tar.gz "$fresh/arrow-nanoarrow" "$pretzel_nanoarrow"
  mv "$fresh" "$pretzel_nanoarrow"
  echo "$wanted" >"$pretzel_nanoarrow/.stamp"
}

setup_nanoarrow() {
  local wanted
  wanted=$(setup_hash "$pretzel_root/stack/sources.txt")
  setup_stamped "$pretzel_nanoarrow" "$wanted" || setup_locked nanoarrow setup_nanoarrow_make "$wanted"
}

# setup_build TARGET: the release build; programs land in build/release/bin.
setup_build() {
  local build=$pretzel_root/build/release
  setup_say "building $1 (the first time takes minutes: build/release, .local/log/ninja.log)"
  [ -e "$build/build.ninja" ] || setup_logged cmake cmake -S "$pretzel_root" --preset release
  setup_logged ninja ninja -C "$build" "$1"
}

# setup_all TARGET: everything that the demo and the stack (programs), or the tests (all), need.
setup_all() {
  setup_debian_packages
  setup_venv
  setup_jars
  setup_nanoarrow
  setup_build "$1"
}
