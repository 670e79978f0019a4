# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy (.clang-tidy, and with it clang's thread-safety analysis) over our C++ files. Standard library only.

    clang_checks.py (--all | FILE...) [--root DIRECTORY] [--build DIRECTORY] [--jobs N]

Wants a finished build: its compile_commands.json, its generated headers and ninja's record of what each object includes. A
changed header is looked at through one file that includes it. A file that passed is not looked at again until it, a header of
ours that it includes, its command, the chosen checks or clang-tidy change: what passed is noted by content in
$XDG_CACHE_HOME/pretzel/clang-checks (~/.cache), as ccache does it, so that another clone of the tree need not look again. Exit
status 1 when something is found, 2 when it could not look.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TIDY = "clang-tidy-14"
# The build is gcc's, whose warnings clang need not know; which ones count is .clang-tidy's to say.
EXTRA = ("--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error", "--extra-arg=-Wthread-safety")
# Options of gcc's about code that clang would refuse, and about which nothing is looked for.
GCC_ONLY = (" -fno-gnu-unique",)
# A file takes 2 to 10 s of a processor that has nothing else to do; this is against hanging.
FILE_SECONDS_MAX = 900
# Tests are left out: the sanitizers run them, gtest's macros are most of what clang-tidy would see, and plugins that are faulty
# on purpose have to stay so.
LEFT_OUT = re.compile(r"(_test\.cc$|^tests/|^bench/|/bad/|/testing/)")
HEADER = re.compile(r"\.(h|inc)$")


class CannotLook(Exception):
    pass


def our_sources(root, build):
    """{path from the root: its compile command} of the files that are looked at."""
    try:
        entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotLook(f"{error.filename} is not there: build first (scripts/test does, or cmake --preset release and ninja)") from error
    found = {}
    for entry in entries:
        path = pathlib.Path(entry["directory"], entry["file"])
        if not path.is_relative_to(root) or path.is_relative_to(build) or path.suffix != ".cc":
            continue
        shown = str(path.relative_to(root))
        if not shown.startswith(".local/") and not LEFT_OUT.search(shown):
            found.setdefault(shown, entry["command"])
    return found


def included_headers(root, build):
    """{source: headers of ours that it includes}, as ninja noted them when it compiled."""
    text = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for block in re.split(r"\n\s*\n", text):
        paths = [pathlib.Path(os.path.normpath(build / line.strip())) for line in block.splitlines()[1:]]
        ours = [str(path.relative_to(root)) for path in paths if path.is_relative_to(root)]
        sources = [path for path in ours if path.endswith(".cc")]
        if sources:
            found[sources[0]] = sorted(path for path in ours if path != sources[0])
    return found


def chosen(sources, headers, changed):
    """What to look at when `changed` is what changed; a header, through the file of its own name or the first that includes it."""
    found = {path for path in changed if path in sources}
    for header in filter(HEADER.search, changed):
        users = sorted(path for path in sources if header in headers.get(path, ()))
        own = HEADER.sub(".cc", header)
        found.update([own] if own in users else users[:1])
    return sorted(found)


class Stamps:
    """Which contents have passed."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        version = subprocess.run([TIDY, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.common = repr((version, EXTRA, (root / ".clang-tidy").read_text(encoding="utf-8")))
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, source, command, headers):
        digest = hashlib.sha256((self.common + command.replace(str(self.root), "")).encode())
        for path in (source, *headers):
            try:
                digest.update(path.encode() + b"\0" + (self.root / path).read_bytes())
            except OSError:
                digest.update(path.encode() + b" is gone")
        return self.folder / digest.hexdigest()


def commands_for_clang(build, folder):
    text = (build / "compile_commands.json").read_text(encoding="utf-8")
    for option in GCC_ONLY:
        text = text.replace(option, "")
    (folder / "compile_commands.json").write_text(text, encoding="utf-8")


def look(root, commands, source):
    """(whether nothing was found, what clang-tidy said)"""
    command = [TIDY, "--quiet", "-p", str(commands), *EXTRA, str(root / source)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=FILE_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False, f"{source}: clang-tidy did not end within {FILE_SECONDS_MAX} s\n"
    # Its stderr counts what it suppressed; it is of interest only when stdout does not say what is wrong.
    return done.returncode == 0, (done.stdout or done.stderr) if done.returncode else ""


def check(root, build, sources, headers, wanted, jobs):
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    stamps = Stamps(root, cache / "pretzel/clang-checks")
    open_ = {source: stamps.of(source, sources[source], headers.get(source, ())) for source in wanted}
    open_ = {source: stamp for source, stamp in open_.items() if not stamp.exists()}
    started, failed = time.monotonic(), 0
    print(f"clang-tidy: {len(open_)} files to look at, {len(wanted) - len(open_)} as they were when they passed", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="clang-checks-") as commands, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        commands_for_clang(build, pathlib.Path(commands))
        running = {pool.submit(look, root, commands, source): source for source in open_}
        for future in concurrent.futures.as_completed(running):
            passed, said = future.result()
            if passed:
                open_[running[future]].touch()
            else:
                failed += 1
                print(said, end="", flush=True)
    if open_:
        print(f"clang-tidy: {failed} of {len(open_)} files have findings; {time.monotonic() - started:.0f} s", file=sys.stderr)
    return failed


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=here)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    root = options.root.resolve()
    build = (options.build or root / "build/release").resolve()
    try:
        sources = our_sources(root, build)
        headers = included_headers(root, build)
        wanted = sorted(sources) if options.all else chosen(sources, headers, options.files)
        return 1 if check(root, build, sources, headers, wanted, options.jobs) else 0
    except CannotLook as error:
        print(f"clang-tidy: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
