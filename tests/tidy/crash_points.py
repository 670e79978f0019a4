# SPDX-License-Identifier: Apache-2.0
"""The rule of crash points: each name of core/base/crash_points.inc stands at exactly one place in a program, so that a walk over
the list is a walk over the code. (A name that is not in the list does not compile.)"""

import pathlib
import re

LIST = pathlib.PurePath("core/base/crash_points.inc")
NAME = re.compile(r'^DCP_CRASH_POINT_NAME\("([^"]+)"')
USE = re.compile(r'\bDCP_CRASH_POINT\("([^"]+)"\)')


def check_crash_points(root, paths, findings):
    page = root / LIST
    if not page.exists():
        return
    listed = {}
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        name = NAME.match(line)
        if name:
            listed[name.group(1)] = number
    used = {}
    for path in paths:
        shown = path.relative_to(root)
        if shown.parts[0] != "core" or shown.suffix != ".cc" or shown.name.endswith("_test.cc"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for name in USE.findall(line):
                if name in used:
                    findings.error(shown, number, f"crash point {name} stands at {used[name]} too; a name is one place")
                used[name] = f"{shown}:{number}"
    for name in sorted(listed.keys() - used.keys()):
        findings.error(LIST, listed[name], f"crash point {name} is used nowhere")
    for name in sorted(used.keys() - listed.keys()):
        findings.error(LIST, 1, f"crash point {name} of {used[name]} is not in the list")
