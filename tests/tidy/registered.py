# SPDX-License-Identifier: Apache-2.0
"""Holds the registered tests against what they should be. Standard library only, and readelf.

    registered.py --root DIRECTORY --build DIRECTORY [--ctest PROGRAM]

Each program of a test is built; each room has its unit test; each test whose program links no gRPC is watched by the thread
sanitizer, or says where it is registered why not; and whatever a script or a document calls a test (`ctest -R NAME`, or a
name in back-quotes) exists. Each finding is one line. Exit status 1 when there is one.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

WATCHED, LEFT_OUT = "tsan", "no_tsan"
GRPC = re.compile(r"^lib(grpc|gpr)")
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
# -R, -L and their negations, with the pattern behind them: of one line, since that is how they are written.
SELECTION = re.compile(r"""\bctest\b[^\n`]*?\s-(R|L|E|LE)\s+("[^"]*"|'[^']*'|[^\s`)]+)""")
QUOTED = re.compile(r"`([a-z_]+\.[A-Za-z0-9_.*+-]+)`")


def registered_tests(ctest, build):
    """ctest's own description. Asked through a folder of its own, for a question writes a log, too, and the build's belongs to
    the ctest that runs this."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "CTestTestfile.cmake").write_text(f'subdirs("{build}")\n', encoding="utf-8")
        text = subprocess.run(
            [ctest, "--test-dir", folder, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE, text=True).stdout  # fmt: skip
    return json.loads(text)["tests"]


def labels_of(test):
    return next((entry["value"] for entry in test.get("properties", []) if entry["name"] == "LABELS"), [])


def libraries_of(program):
    """The shared objects that a program needs; None for what is no ELF file, such as a script."""
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
    text = subprocess.run(["readelf", "-d", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return NEEDED.findall(text)


def check_programs(tests, build, libraries=libraries_of):
    for test in tests:
        name, labels = test["name"], labels_of(test)
        if not test.get("command"):
            yield f"{name}: its program is not built, so nothing is tested"
            continue
        program = pathlib.Path(test["command"][0])
        needed = libraries(program) if build in program.parents else None
        if needed is None:
            continue
        grpc = any(GRPC.match(library) for library in needed)
        if grpc and WATCHED in labels:
            yield f"{name}: its program needs gRPC's libraries, whose races would be reported as ours; link it without, or in CMake by name"
        if not grpc and WATCHED not in labels and LEFT_OUT not in labels:
            yield f"{name}: links no gRPC, and the thread sanitizer does not watch it; add dcp_tsan_test() or dcp_no_tsan_test()"


def check_rooms(tests, root):
    names = {test["name"] for test in tests}
    for folder in sorted((root / "core").iterdir()):
        if (folder / "CMakeLists.txt").exists() and f"unit.{folder.name}" not in names:
            yield f"core/{folder.name}: there is no test unit.{folder.name}"


def naming_files(root):
    yield from (path for path in sorted(root.rglob("*.md")) if not {"build", ".local"} & set(path.relative_to(root).parts))
    for folder in ("scripts", ".ci"):
        yield from (path for path in sorted((root / folder).rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def named_tests(line):
    """What a line says about tests: (how, pattern), how being -R, -L or "name"."""
    for how, pattern in SELECTION.findall(line):
        yield ("L" if how.startswith("L") else "R", pattern.strip("'\""))
    for name in QUOTED.findall(line):
        yield ("name", name)


def alternatives(pattern):
    """`unit\\.(a|b)$` as `unit\\.(a)$` and `unit\\.(b)$`: one that selects something must not hide one that selects nothing."""
    group = re.search(r"\(([^()]*\|[^()]*)\)", pattern)
    if group:
        for choice in group.group(1).split("|"):
            yield from alternatives(f"{pattern[: group.start()]}(?:{choice}){pattern[group.end() :]}")
    else:
        yield from pattern.split("|")


def check_names(tests, root):
    names = [test["name"] for test in tests]
    labels = sorted({label for test in tests for label in labels_of(test)})
    families = {name.split(".")[0] for name in names}
    for path in naming_files(root):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for how, pattern in named_tests(line):
                place = f"{path.relative_to(root)}:{number}"
                if pattern.startswith("$"):
                    yield f"{place}: the tests are named by {pattern}; write the pattern out, or use a label, so that it can be checked"
                elif pattern.isupper():
                    continue  # a placeholder
                elif how == "name":
                    # `abi.pair.*` and `abi.diff.1_n` stand for several.
                    expression = re.escape(pattern).replace(r"\*", ".*").replace("_n", r"_\d+")
                    if pattern.split(".")[0] in families and not any(re.fullmatch(expression, name) for name in names):
                        yield f"{place}: there is no test {pattern}"
                else:
                    for choice in alternatives(pattern):
                        if not any(re.search(choice, name) for name in (labels if how == "L" else names)):
                            yield f"{place}: ctest -{how} {choice} selects no test"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--ctest", default="ctest")
    options = parser.parse_args()
    root, build = options.root.resolve(), options.build.resolve()
    tests = registered_tests(options.ctest, build)
    found = [*check_programs(tests, build), *check_rooms(tests, root), *check_names(tests, root)]
    for line in found:
        print(line)
    watched = sum(WATCHED in labels_of(test) for test in tests)
    print(f"registered: {len(tests)} tests, {watched} under the thread sanitizer, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
