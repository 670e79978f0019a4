#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gate of the ABI must fail for each change that breaks a released minor, and for none that does not."""
import os
import pathlib
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "plugin_api/abi"))
import gate  # noqa: E402

HEADER = gate.HEADER.read_text()
CC = os.environ.get("CC", "gcc")
DEADLINE = "  int64_t (*deadline_ns)(dcp_call *call);\n"
CANCELLED = "  int32_t (*cancelled)(dcp_call *call);\n"
DESTROY = "  void (*destroy)(dcp_instance *self);\n"
END_OF_PLUGIN = "} dcp_plugin_api;"


def changed(*replacements):
    text = HEADER
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the header"
        text = text.replace(old, new)
    return text


BREAKING = {
    "a field inserted in the middle of the host's table": changed((CANCELLED, "  void (*early)(void);\n" + CANCELLED)),
    "a field inserted in the middle of the plugin's table": changed((DESTROY, "  void (*early)(void);\n" + DESTROY)),
    "a signature changed": changed((CANCELLED, CANCELLED.replace("dcp_call *call", "dcp_call *call, int32_t why"))),
    "a result changed": changed((DESTROY, DESTROY.replace("void (*destroy)", "dcp_code (*destroy)"))),
    "a field removed": changed((DEADLINE, "")),
    "two fields exchanged": changed((DEADLINE, "@"), (CANCELLED, DEADLINE), ("@", CANCELLED)),
    "the exported symbol renamed": changed(('"dcp_plugin_v1"', '"dcp_plugin_v9"')),
    "a field appended without a band": changed((END_OF_PLUGIN, "  void (*late)(void);\n" + END_OF_PLUGIN)),
    "a code widened": changed(("typedef int32_t dcp_code;", "typedef int64_t dcp_code;")),
}


class Diff(unittest.TestCase):
    def test_the_present_header_passes(self):
        for minor in (0, 1):
            gate.check_diff(HEADER, minor, CC)

    def test_what_breaks_a_released_minor_fails(self):
        for what, text in BREAKING.items():
            with self.subTest(what), self.assertRaisesRegex(gate.Failure, r"differs from v1.0.abi \(abidiff: \d+\)"):
                gate.check_diff(text, 0, CC)

    def test_a_field_of_the_newest_minor_is_guarded_too(self):
        text = changed(("void (*drain)(dcp_instance *self);", "void (*drain)(dcp_instance *self, int32_t why);"))
        gate.check_diff(text, 0, CC)
        with self.assertRaisesRegex(gate.Failure, "v1.1.abi"):
            gate.check_diff(text, 1, CC)

    def test_a_field_appended_under_the_next_minor_passes(self):
        text = changed(("#define DCP_NEWEST_MINOR 1\n", "#define DCP_NEWEST_MINOR 2\n"),
                       (END_OF_PLUGIN, "#if DCP_TARGET_MINOR >= 2\n  void (*late)(void);\n#endif\n" + END_OF_PLUGIN))
        for minor in (0, 1):
            gate.check_diff(text, minor, CC)
        self.assertIn("name='late'", gate.describe(text, 2, CC))

    def test_a_build_without_debug_information_proves_nothing_and_says_so(self):
        with self.assertRaisesRegex(gate.Failure, "built without -g"):
            gate.check_diff(HEADER, 0, CC, debug="-g0")


class Layout(unittest.TestCase):
    def test_a_constant_with_another_value_fails(self):
        with self.assertRaisesRegex(gate.Failure, r"(?s)-DCP_ABORTED 10.*\+DCP_ABORTED 11"):
            gate.check_layout(changed(("#define DCP_ABORTED 10\n", "#define DCP_ABORTED 11\n")), 0, CC)

    def test_a_type_with_another_size_fails(self):
        with self.assertRaisesRegex(gate.Failure, r"(?s)v1.1.layout.*-dcp_level size=4.*\+dcp_level size=8"):
            gate.check_layout(changed(("typedef int32_t dcp_level;", "typedef int64_t dcp_level;")), 1, CC)

    def test_the_listing_forgets_neither_a_constant_nor_a_field(self):
        with self.assertRaisesRegex(gate.Failure, "does not print DCP_EXTRA"):
            gate.check_layout(changed(("#define DCP_OK 0\n", "#define DCP_OK 0\n#define DCP_EXTRA 17\n")), 0, CC)
        with self.assertRaisesRegex(gate.Failure, "disagree about what stands before dcp_host_api.cancelled"):
            gate.check_layout(changed((CANCELLED, "  void (*early)(void);\n" + CANCELLED)), 0, CC)
        with self.assertRaisesRegex(gate.Failure, "the last field of dcp_plugin_api"):
            gate.check_layout(changed((END_OF_PLUGIN, "  void (*late)(void);\n" + END_OF_PLUGIN)), 0, CC)


class Files(unittest.TestCase):
    def test_no_edit_goes_unnoticed(self):
        gate.check_digest(HEADER)
        with self.assertRaisesRegex(gate.Failure, "is not the file that was accepted"):
            gate.check_digest(HEADER + "\n")

    def test_what_is_frozen_is_not_accepted_anew(self):
        before = {path: path.read_bytes() for path in gate.ABI.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        with unittest.mock.patch.object(gate, "FROZEN", frozenset({0})):
            with self.assertRaisesRegex(gate.Failure, "v1.0.abi|v1.0.layout"):
                gate.accept(BREAKING["a code widened"], CC)
        self.assertEqual(before, {path: path.read_bytes() for path in before})

    def test_the_projection_is_the_header_as_it_was(self):
        old = gate.projection(HEADER, 0)
        self.assertNotIn("since 1.1", old)
        self.assertIn("since 1.0", old)
        self.assertEqual(gate.newest_minor(old), 0)
        self.assertEqual(gate.describe(old, 0, CC), gate.describe(HEADER, 0, CC))
        self.assertEqual(gate.describe(gate.projection(HEADER, 1), 1, CC), gate.describe(HEADER, 1, CC))

    def test_descriptions_do_not_depend_on_the_folder(self):
        self.assertEqual(gate.describe(HEADER, 1, CC), gate.describe(HEADER, 1, CC))  # two temporary folders

    def test_the_header_stays_short_and_formatters_keep_off(self):
        lines = HEADER.splitlines()
        self.assertLess(len(lines), 200)
        self.assertEqual(lines[1], "/* clang-format off */")


if __name__ == "__main__":
    unittest.main()
