# SPDX-License-Identifier: Apache-2.0
"""The rule of error ids: each one that a program can raise has exactly one row in docs/reference/errors.md, each row an id
that is raised, and no two parts share a block (the first two digits), so that no id ever means two things."""

import collections
import pathlib
import re

PAGE = pathlib.PurePath("docs/reference/errors.md")
ID = re.compile(r"(?<![A-Za-z0-9])PZ[0-9]{4}(?![A-Za-z0-9])")
ROW = re.compile(r"^\|\s*(PZ[0-9]{4})\s*\|")
LITERAL = re.compile(r"""["'](PZ[0-9]{4})["']""")
# Left to tests and examples, as the page says.
SAMPLE = "PZ00"

RAISING_FOLDERS = {"core", "plugins", "sdk", "spark", "stack"}
COMMENT = {".py": "#", ".sh": "#", ".cc": "//", ".h": "//", ".c": "//", ".inc": "//", ".java": "//"}
MENTIONING = set(COMMENT) | {".proto", ".md", ".yaml", ".json"}
TEST_FILE = re.compile(r"(_test\.|^test_|^testing\.|_examples\.inc$)")


def raised_in(shown, line):
    """The ids that this line of a program names in quotes; none for a test, which only expects them."""
    if shown.parts[0] not in RAISING_FOLDERS or shown.suffix not in COMMENT:
        return []
    if TEST_FILE.search(shown.name) or "testing" in shown.parts:
        return []
    return LITERAL.findall(line.split(COMMENT[shown.suffix])[0])


# A library of several plugins raises ids of the block of the first that had them: they mean the same from each.
SHARED = {"plugins/spark_sql": "plugins/spark_connect"}


def part_of(shown):
    """Who raises it: a plugin, or one of the other top folders."""
    part = "/".join(shown.parts[:2]) if shown.parts[0] == "plugins" else shown.parts[0]
    return SHARED.get(part, part)


def read_page(root, findings):
    """The page's rows as {id: line}; twice the same is a finding."""
    rows = {}
    page = root / PAGE
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines() if page.exists() else [], 1):
        row = ROW.match(line)
        if row and row.group(1) in rows:
            findings.error(PAGE, number, f"{row.group(1)} has a row already, on line {rows[row.group(1)]}")
        elif row:
            rows[row.group(1)] = number
    return rows


def check_blocks(raised, findings):
    """A block belongs to the part that raises most of it; every other place is a finding."""
    places = collections.Counter((name[:4], part) for name, part, *_ in raised)
    owner = {block: part for (block, part), _ in reversed(places.most_common())}
    for name, part, shown, number in raised:
        block = name[:4]
        if name.startswith(SAMPLE):
            findings.error(shown, number, f"{name} is left to tests and examples; take an id of this part's own")
        elif part != owner[block]:
            findings.error(shown, number, f"{name} is of block {block}xx, which belongs to {owner[block]}")


def check_error_ids(root, paths, findings):
    rows = read_page(root, findings)
    raised = []  # (id, part, file, line)
    for path in paths:
        shown = path.relative_to(root)
        if path.suffix not in MENTIONING:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for name in sorted(set(ID.findall(line))):
                if name not in rows and not name.startswith(SAMPLE):
                    findings.error(shown, number, f"{name} has no row in {PAGE}")
            for name in raised_in(shown, line):
                raised.append((name, part_of(shown), shown, number))
    check_blocks(raised, findings)
    for name in sorted(set(rows) - {name for name, *_ in raised}):
        findings.error(PAGE, rows[name], f"{name} is raised nowhere")
