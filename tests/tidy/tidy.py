# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the tree that no compiler checks. Standard library only.

    tidy.py --root DIRECTORY

Rooms include downwards only; a third party's headers stay in .cc files, and gRPC in the rooms that are its edge; every file
of ours says its licence; files and functions stay short; every error id has its row on the page of ids, and every crash point
its place; what a text names exists. Each finding is one line `file:line: text`. Exit status 1 when there is an error. A file or
function that is merely long is a warning, and so is a third party's header in a header that no other room includes.
"""

import argparse
import os
import pathlib
import re
import sys

from crash_points import check_crash_points
from error_ids import check_error_ids
from names import check_names

FILE_LINES_AIM, FILE_LINES_MAX = 400, 600
FUNCTION_LINES_AIM, FUNCTION_LINES_MAX = 70, 100
# tools/ holds rooms that are programs of their own: above what they use, and below nothing.
ROOM_FOLDERS = ("core", "tools")
GRPC_ROOMS = {"api", "gateway", "daemon", "cli"}

CODE = {".cc", ".h", ".c", ".inc"}
WITH_LICENCE = CODE | {".py", ".proto", ".sh", ".cmake", ".java"}
# Folders that hold none of our source: the build's output, what was downloaded, other checkouts.
SKIPPED = {"build", ".git", ".local", ".ccache", "node_modules", "__pycache__"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
THIRD_PARTY = re.compile(r"^(spdlog|fmt|yaml-cpp|boost|soci|grpc|grpcpp|nlohmann|valijson|re2|curl|openssl|google/protobuf|gtest|gmock)/")
GRPC = re.compile(r"^(grpc|grpcpp)/|\.grpc\.pb\.h$")
GENERATED = re.compile(r"\.pb\.h$")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
LICENCE_WITHIN_LINES = 3


class Findings:
    def __init__(self):
        self.errors, self.warnings = [], []

    def error(self, path, line, text):
        self.errors.append(f"{path}:{line}: {text}")

    def warning(self, path, line, text):
        self.warnings.append(f"{path}:{line}: warning: {text}")

    def length(self, path, line, what, lines, aim, maximum):
        if lines > maximum:
            self.error(path, line, f"{what} has {lines} lines, more than {maximum}")
        elif lines >= aim:
            self.warning(path, line, f"{what} has {lines} lines; aim for less than {aim}")


def read_room_order(root):
    """The rooms, top to bottom, from the one place that says so."""
    text = (root / "cmake/dcp_room.cmake").read_text(encoding="utf-8")
    found = re.search(r"set\(DCP_ROOM_ORDER\s+([^)]+)\)", text)
    if not found:
        raise SystemExit("tidy: cmake/dcp_room.cmake sets no DCP_ROOM_ORDER")
    return found.group(1).split()


def source_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if not path.is_symlink():
                yield path


def headers_seen_by_others(root):
    """The headers of core/ that are included from outside their own room, as "room/name.h"."""
    seen = set()
    for path in source_files(root):
        if path.suffix not in CODE:
            continue
        parts = path.relative_to(root).parts
        room = parts[1] if parts[0] == "core" and len(parts) > 2 else None
        for line in path.read_text(encoding="utf-8").splitlines():
            found = INCLUDE.match(line)
            if found and found.group(1) == '"' and found.group(2).split("/")[0] != room:
                seen.add(found.group(2))
    return seen


def check_third_party(shown, number, name, room, public, findings):
    """A header of core/ that includes a header of somebody else's."""
    if room in GRPC_ROOMS and (GENERATED.search(name) or GRPC.search(name)):
        return  # their classes derive from the generated ones
    if not THIRD_PARTY.match(name) and not GENERATED.search(name):
        return
    text = f"{name} is a third party's, and belongs into .cc files only"
    if "/".join(shown.parts[1:]) in public:
        findings.error(shown, number, text)
    else:
        findings.warning(shown, number, text)


def check_includes(path, shown, lines, order, public, findings):
    parts = shown.parts
    in_core = parts[0] in ROOM_FOLDERS and len(parts) > 2
    room = parts[1] if in_core else None
    if in_core and room not in order:
        findings.error(shown, 1, f"{parts[0]}/{room} is no room; rooms: {' '.join(order)}")
        return
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        style, name = found.groups()
        if in_core and style == '"' and "/" in name:
            used = name.split("/")[0]
            if used in order and order.index(used) < order.index(room):
                findings.error(shown, number, f"room {room} includes {name}, which stands above it")
        if in_core and path.suffix == ".h":
            check_third_party(shown, number, name, room, public, findings)
        if in_core and GRPC.search(name) and room not in GRPC_ROOMS:
            findings.error(shown, number, f"room {room} includes {name}; only {', '.join(sorted(GRPC_ROOMS))} speak gRPC")


def check_functions(shown, lines, findings):
    """Bodies as clang-format lays them out: a `{` ends a line, and a `}` stands alone at its depth."""
    open_at = []  # (depth, line, whether it is a function)
    for number, line in enumerate(lines, 1):
        text = line.rstrip()
        depth = len(text) - len(text.lstrip())
        body = text.lstrip()
        if body.startswith("}") and open_at and open_at[-1][0] == depth:
            _, start, name = open_at.pop()
            if name:
                what = f"function {name}"
                findings.length(shown, start, what, number - start + 1, FUNCTION_LINES_AIM, FUNCTION_LINES_MAX)
        if body.endswith("{") and not body.startswith(("//", "#")):
            open_at.append((opening_depth(lines, number - 1), number, function_name(lines, number - 1)))


def head_of(lines, index):
    """The index of the line on which the statement that ends with `{` on line `index` begins."""
    while index > 0:
        before = lines[index - 1].strip()
        if not before or before.startswith(("//", "#")) or before[-1] in ";{}:" or before.endswith("*/"):
            break
        index -= 1
    return index


def opening_depth(lines, index):
    first = lines[head_of(lines, index)]
    return len(first) - len(first.lstrip())


def function_name(lines, index):
    """The function's name, or None for a class, a namespace, a branch or a lambda."""
    text = " ".join(line.strip() for line in lines[head_of(lines, index) : index + 1])
    words = re.match(r"[A-Za-z_]+", text)
    if words and words.group() in {
        "namespace", "class", "struct", "enum", "union", "if", "for", "while", "switch", "do", "else", "try", "catch", "extern",
        "case", "default", "return", "constexpr",
    } and not re.match(r"constexpr [^=]*\)", text):  # fmt: skip
        return None
    if text.startswith("}") or re.search(r"\[[^\]]*\]\s*(\([^()]*\))?[^()]*\{$", text) or " = " in text.split("(")[0]:
        return None
    found = re.search(r"([A-Za-z_~][\w:~]*)\s*\(", text)
    return found.group(1) if found else None


def check_file(root, path, order, public, findings):
    shown = path.relative_to(root)
    if path.suffix not in WITH_LICENCE and path.name != "CMakeLists.txt":
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    if not any(LICENCE in line for line in lines[:LICENCE_WITHIN_LINES]):
        findings.error(shown, 1, f"lacks the line '{LICENCE}' at its head")
    if path.suffix not in CODE:
        return
    check_includes(path, shown, lines, order, public, findings)
    if path.suffix != ".inc":
        findings.length(shown, 1, "the file", len(lines), FILE_LINES_AIM, FILE_LINES_MAX)
        check_functions(shown, lines, findings)


def check_tree(root):
    findings = Findings()
    order = read_room_order(root)
    public = headers_seen_by_others(root)
    for path in source_files(root):
        check_file(root, path, order, public, findings)
    check_error_ids(root, source_files(root), findings)
    check_crash_points(root, source_files(root), findings)
    check_names(root, source_files(root), findings)
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, required=True)
    findings = check_tree(parser.parse_args().root.resolve())
    for line in findings.warnings + findings.errors:
        print(line)
    print(f"tidy: {len(findings.errors)} errors, {len(findings.warnings)} warnings")
    return 1 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main())
