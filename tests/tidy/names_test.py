# SPDX-License-Identifier: Apache-2.0
"""Tests of names.py and registered.py: what does not exist is found wherever it is named."""

import pathlib
import tempfile
import unittest

import names
import registered
import tidy


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text=""):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return self.root / path


class NamesTest(TreeTest):
    def found(self, path, text):
        self.write(path, text)
        findings = tidy.Findings()
        names.check_names(self.root, tidy.source_files(self.root), findings)
        (self.root / path).unlink()
        return findings.errors

    def test_a_path_exists(self):
        self.write("tests/spark/facade_test.py")
        self.write("core/os/job.cc")
        self.assertEqual(self.found("docs/a.md", "`tests/spark/facade_test.py`, core/os/job and tests/*/facade_test.py.\n"), [])
        self.assertEqual(self.found("docs/a.md", "\nsee `tests/spark/test_a.py`.\n"), ["docs/a.md:2: there is no tests/spark/test_a.py"])
        self.assertEqual(self.found("scripts/a", "pytest tests/nothing/*_test.py\n"), ["scripts/a:1: there is no tests/nothing/*_test.py"])
        self.assertEqual(self.found("core/os/a.h", "// Like core/os/net.\n"), ["core/os/a.h:1: there is no core/os/net"])

    def test_what_only_looks_like_a_path_passes(self):
        text = "/usr/tests/a, tests/fuzz/corpus/TARGET, $root/tests/x, build/tests/x, tests/{name}/a and spark/connect/base.proto\n"
        self.assertEqual(self.found("docs/a.md", text), [])

    def test_a_script_has_its_flags_and_names(self):
        self.write("scripts/soak", "--minutes")
        self.write("scripts/fuzz", "")
        self.write("tests/soak/swap.cc")
        self.write("tests/fuzz/yaml_fuzz.cc")
        self.assertEqual(self.found("docs/a.md", "`scripts/soak swap --minutes`, `scripts/fuzz yaml`\n"), [])
        self.assertEqual(self.found("docs/a.md", "`scripts/soak --hours`\n"), ["docs/a.md:1: scripts/soak has no --hours"])
        self.assertIn("scripts/fuzz has no json", self.found("docs/a.md", "scripts/fuzz json    # all of it\n")[0])
        self.assertIn("scripts/soak has no nap", self.found("docs/a.md", "`scripts/soak nap`\n")[0])

    def test_a_mark_is_declared_and_used(self):
        declared = 'config.addinivalue_line("markers", "long: takes minutes")\n'
        self.assertIn("mark long marks no test", self.found("tests/a.py", declared)[0])
        self.assertIn("mark lnog is declared nowhere", self.found("tests/a.py", declared + "@pytest.mark.long\n@pytest.mark.lnog\n")[0])
        self.assertEqual(self.found("tests/a.py", declared + "@pytest.mark.long\n@pytest.mark.parametrize\n"), [])


def named_by(name, *labels, program="/build/bin/p"):
    return {"name": name, "command": [program] if program else [], "properties": [{"name": "LABELS", "value": list(labels)}]}


class RegisteredTest(TreeTest):
    def programs(self, test, *libraries):
        return list(registered.check_programs([test], pathlib.Path("/build"), lambda program: list(libraries)))

    def test_a_program_is_built(self):
        self.assertIn("is not built", self.programs(named_by("unit.os", "unit", "tsan", program=None))[0])

    def test_what_links_no_grpc_is_watched(self):
        self.assertEqual(self.programs(named_by("unit.os", "unit", "tsan"), "libc.so.6"), [])
        self.assertEqual(self.programs(named_by("fuzz.yaml", "unit", "no_tsan"), "libc.so.6"), [])
        self.assertEqual(self.programs(named_by("unit.api", "unit"), "libgrpc++.so.1.51"), [])
        self.assertEqual(self.programs(named_by("unit.tidy", "unit", program="/usr/bin/python3")), [])
        self.assertIn("does not watch it", self.programs(named_by("unit.os", "unit"), "libc.so.6")[0])
        self.assertIn("needs gRPC", self.programs(named_by("unit.api", "unit", "tsan"), "libgrpc++.so.1.51")[0])

    def test_a_room_has_its_test(self):
        self.write("core/os/CMakeLists.txt")
        self.assertEqual(list(registered.check_rooms([named_by("unit.os")], self.root)), [])
        self.assertIn("no test unit.os", next(registered.check_rooms([named_by("unit.base")], self.root)))

    def named(self, text):
        self.write("scripts/test", text)
        tests = [named_by("unit.os", "unit", "tsan"), named_by("host.faults", "integration"), named_by("abi.diff.1_0", "unit")]
        return list(registered.check_names(tests, self.root))

    def test_a_selection_selects(self):
        self.assertEqual(self.named("ctest --preset tsan -j2 -L '^tsan$'\nctest -R '^abi'\nctest -R NAME\n"), [])
        self.assertEqual(self.named("`host.faults` `abi.diff.1_n` `abi.*`\n"), [])
        self.assertEqual(self.named("ctest -j2 -R 'unit\\.(os|bad)$'\n"), ["scripts/test:1: ctest -R unit\\.(?:bad)$ selects no test"])
        self.assertEqual(self.named("ctest -L tsann\n"), ["scripts/test:1: ctest -L tsann selects no test"])
        self.assertEqual(self.named("`host.harm`\n"), ["scripts/test:1: there is no test host.harm"])
        self.assertIn("write the pattern out", self.named('ctest -R "$rooms"\n')[0])


if __name__ == "__main__":
    unittest.main()
