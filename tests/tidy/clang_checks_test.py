# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/lib/clang_checks.py: it finds what .clang-tidy asks for, and does not look twice at what has passed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts/lib"))
import clang_checks  # noqa: E402

COUNTER = """#include "base/mutex.h"
class Counter {{
 public:
  int Read() {{ {lock} return count_; }}
 private:
  dcp::Mutex mutex_;
  int count_ DCP_GUARDED_BY(mutex_) = 0;
}};
int Use() {{ return Counter().Read(); }}
"""
MOVED = """#include <string>
#include <utility>
void Take(std::string text);
size_t Use(std::string text) { Take(std::move(text)); return text.size(); }
"""


class ChosenTest(unittest.TestCase):
    sources = {"core/os/a.cc": "", "core/os/b.cc": "", "core/host/c.cc": ""}
    headers = {"core/os/a.cc": ["core/os/a.h"], "core/os/b.cc": ["core/os/a.h", "core/os/inner.h"], "core/host/c.cc": ["core/os/a.h"]}

    def test_a_source_is_looked_at_itself(self):
        self.assertEqual(clang_checks.chosen(self.sources, self.headers, ["core/os/b.cc", "docs/a.md"]), ["core/os/b.cc"])

    def test_a_header_is_looked_at_through_one_file(self):
        self.assertEqual(clang_checks.chosen(self.sources, self.headers, ["core/os/a.h"]), ["core/os/a.cc"])
        self.assertEqual(clang_checks.chosen(self.sources, self.headers, ["core/os/inner.h"]), ["core/os/b.cc"])
        self.assertEqual(clang_checks.chosen(self.sources, self.headers, ["core/os/unused.h"]), [])

    def test_tests_are_left_out(self):
        for path in ("core/os/a_test.cc", "tests/soak/a.cc", "bench/a.cc", "core/api/testing/a.cc", "tools/plugin_check/bad/a.cc"):
            self.assertTrue(clang_checks.LEFT_OUT.search(path), path)
        self.assertFalse(clang_checks.LEFT_OUT.search("core/os/latest.cc"))


class LookTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        (self.root / "core/base").mkdir(parents=True)
        (self.root / "build").mkdir()
        shutil.copy(TOP / "core/base/mutex.h", self.root / "core/base")
        shutil.copy(TOP / ".clang-tidy", self.root)
        (self.root / "build/build.ninja").write_text("")

    def run_on(self, text, *arguments):
        """(exit status, stdout, stderr) over a tree whose one file has that text."""
        source = self.root / "core/base/a.cc"
        if text is not None:
            source.write_text(text)
        command = f"c++ -I{self.root}/core -Wall -Werror -Wno-restrict -std=c++20 -o a.o -c {source}"
        entries = [{"directory": str(self.root / "build"), "file": str(source), "command": command}]
        (self.root / "build/compile_commands.json").write_text(json.dumps(entries))
        program = [sys.executable, str(TOP / "scripts/lib/clang_checks.py"), "--root", str(self.root), "--build", str(self.root / "build")]
        done = subprocess.run([*program, *(arguments or ["--all"])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "XDG_CACHE_HOME": str(self.root / "cache")})
        return done.returncode, done.stdout, done.stderr

    def test_a_guarded_member_needs_its_mutex(self):
        status, out, _ = self.run_on(COUNTER.format(lock=""))
        self.assertEqual(status, 1)
        self.assertIn("reading variable 'count_' requires holding mutex 'mutex_'", out)
        self.assertEqual(self.run_on(COUNTER.format(lock="const dcp::MutexLock lock(mutex_);"))[:2], (0, ""))

    def test_what_passed_is_not_looked_at_again(self):
        self.assertIn("bugprone-use-after-move", self.run_on(MOVED)[1])
        self.assertEqual(self.run_on(None)[0], 1, "a finding is found again")
        text = "int Use(int value) { return value; }\n"
        self.assertIn("1 files to look at", self.run_on(text)[2])
        self.assertIn("0 files to look at", self.run_on(None)[2])
        self.assertIn("1 files to look at", self.run_on(text + "int Other();\n")[2])
        with open(self.root / ".clang-tidy", "a", encoding="utf-8") as file:
            file.write("# other checks\n")
        self.assertIn("1 files to look at", self.run_on(None)[2])

    def test_without_a_build_it_says_so(self):
        program = [sys.executable, str(TOP / "scripts/lib/clang_checks.py"), "--root", str(self.root), "a.cc"]
        done = subprocess.run(program, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("build first", done.stderr)


if __name__ == "__main__":
    unittest.main()
