# SPDX-License-Identifier: Apache-2.0
"""The rule of names: what a text calls a file of this tree, a script's flag, a soak, a bench, a fuzz target or a mark of pytest
exists. A name that matches nothing is a check that does not run, or a reader who looks for what is not there."""

import fnmatch
import pathlib
import re

FOLDERS = "bench cmake core docs examples plugin_api plugins scripts sdk spark stack tests tools".split()
PATH = re.compile(rf"(?<![\w./$}}{{<>%-])((?:{'|'.join(FOLDERS)})/[\w./*{{}},-]*[\w*}}])")
PLACEHOLDER = re.compile(r"[A-Z]{2,}|[{}]")
# What programs are called without their suffix, as in "core/os/job".
SUFFIXES = ("", ".cc", ".h", ".py")
# Files that are not of this tree though their path looks like it.
ELSEWHERE = {
    "spark/connect": "Spark's own .proto files, from its jar",
    "spark/bin": "Spark's own distribution",
    "sdk/share": "the SDK where it is installed",
}
TEXTS = {".md", ".py", ".cc", ".h", ".c", ".inc", ".txt", ".cmake", ".sh", ".sql", ".java", ".yaml", ".proto", ""}
# Texts about paths that need not exist: this rule, and tests that make trees of their own.
OWN_TREES = re.compile(r"^tests/tidy/(names|\w+_test)\.py$")

# A script's arguments up to what can no longer be one: the text around a command is no argument.
CALL = re.compile(r"\bscripts/([a-z-]+)((?: +(?:--[a-z-]+|[a-z][a-z_/.]*))*)(?=\s*(?:$|`|#|\"|'|\)|  ))", re.MULTILINE)
# Scripts whose first word is the name of a file: where those are.
NAMED_FILES = {
    "soak": ("tests/soak/{}.cc", "tests/soak/{}.py"),
    "bench": ("bench/{}.py",),
    "fuzz": ("tests/fuzz/{}_fuzz.cc",),
}

MARK = re.compile(r"\bpytest\.mark\.(\w+)")
DECLARED_MARK = re.compile(r"""addinivalue_line\(\s*["']markers["'],\s*["'](\w+)""")
PYTESTS_OWN_MARKS = {"parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail"}


def readable(root, paths):
    for path in paths:
        shown = path.relative_to(root)
        if path.suffix in TEXTS and not OWN_TREES.match(str(shown)) and not shown.is_relative_to("tests/fuzz/corpus"):
            yield shown, path.read_text(encoding="utf-8", errors="replace")


class Tree:
    """What there is: files, and the folders that hold them."""

    def __init__(self, root, paths):
        self.files = {str(path.relative_to(root)) for path in paths}
        self.all = self.files | {str(folder) for file in self.files for folder in pathlib.PurePath(file).parents}

    def has(self, name, shown):
        """By its path from the top, or from the folder of the text that names it."""
        for start in (pathlib.PurePath(), shown.parent):
            found = str(start / name)
            if any(found + suffix in self.all for suffix in SUFFIXES):
                return True
            if "*" in found and fnmatch.filter(self.all, found):
                return True
        return False


def check_paths(tree, shown, number, line, findings):
    if line.lstrip().startswith("#include"):
        return  # the compiler's business
    for name in PATH.findall(line):
        outside = any(name.startswith(prefix + "/") for prefix in ELSEWHERE)
        if not outside and not PLACEHOLDER.search(name) and not tree.has(name, shown):
            findings.error(shown, number, f"there is no {name}")


def check_calls(root, tree, shown, number, line, findings):
    """`scripts/NAME --flag word`: the script has the flag in its text, and the word's file exists."""
    for script, arguments in CALL.findall(line):
        if f"scripts/{script}" not in tree.files:
            continue  # a path, which is judged above
        text = (root / "scripts" / script).read_text(encoding="utf-8")
        for word in arguments.split():
            if word.startswith("--") and not re.search(rf"(?<![\w-]){word}(?![\w-])", text):
                findings.error(shown, number, f"scripts/{script} has no {word}")
        first = next(iter(arguments.split()), "--")
        # Documents put a command into back-quotes; elsewhere the word behind it may be the sentence's.
        places = [place.format(first) for place in NAMED_FILES.get(script, ()) if shown.suffix == ".md"]
        if places and not first.startswith("--") and not tree.files.intersection(places):
            findings.error(shown, number, f"scripts/{script} has no {first}: there is no {' or '.join(places)}")


def check_names(root, paths, findings):
    paths = list(paths)
    tree = Tree(root, paths)
    used, declared = {}, {}
    for shown, text in readable(root, paths):
        for number, line in enumerate(text.splitlines(), 1):
            check_paths(tree, shown, number, line, findings)
            check_calls(root, tree, shown, number, line, findings)
            if shown.suffix == ".py":
                used.update({name: (shown, number) for name in MARK.findall(line)})
                declared.update({name: (shown, number) for name in DECLARED_MARK.findall(line)})
    for name in sorted(used.keys() - declared.keys() - PYTESTS_OWN_MARKS):
        findings.error(*used[name], f"pytest's mark {name} is declared nowhere, so no selection knows it")
    for name in sorted(declared.keys() - used.keys()):
        findings.error(*declared[name], f"pytest's mark {name} marks no test")
