# SPDX-License-Identifier: Apache-2.0
"""Tests of tidy.py: each rule finds what breaks it, and lets pass what does not."""

import pathlib
import tempfile
import unittest

import tidy

HEAD = "// SPDX-License-Identifier: Apache-2.0\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("cmake/dcp_room.cmake", "# SPDX-License-Identifier: Apache-2.0\nset(DCP_ROOM_ORDER cli api graph store os base)\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def errors(self, path, text):
        self.write(path, text)
        return tidy.check_tree(self.root).errors

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.errors("core/graph/a.cc", HEAD + '#include "store/s.h"\n#include <nlohmann/json.hpp>\n'), [])

    def test_includes_go_downwards(self):
        found = self.errors("core/store/a.cc", HEAD + '#include "base/b.h"\n#include "graph/g.h"\n')
        self.assertEqual(found, ["core/store/a.cc:3: room store includes graph/g.h, which stands above it"])

    def test_a_tool_is_a_room_too(self):
        found = self.errors("tools/store/a.cc", HEAD + '#include "graph/g.h"\n')
        self.assertEqual(found, ["tools/store/a.cc:2: room store includes graph/g.h, which stands above it"])

    def test_an_unknown_folder_is_no_room(self):
        self.assertIn("core/attic is no room", self.errors("core/attic/a.cc", HEAD)[0])

    def test_public_headers_show_no_third_party(self):
        for name in ("<yaml-cpp/yaml.h>", "<spdlog/spdlog.h>", '"dcp/v1/dcp.pb.h"', "<boost/asio.hpp>"):
            self.write("core/os/a.cc", HEAD + '#include "os/a.h"\n')
            self.assertEqual(self.errors("core/os/a.h", HEAD + f"#include {name}\n"), [])
            self.assertEqual(len(tidy.check_tree(self.root).warnings), 1, name)
            found = self.errors("core/graph/b.cc", HEAD + '#include "os/a.h"\n')
            self.assertEqual(len(found), 1, name)
            self.assertIn("core/os/a.h:2:", found[0])
            self.assertIn("third party", found[0])
            self.write("core/graph/b.cc", HEAD)

    def test_the_edge_derives_from_what_is_generated(self):
        self.write("core/cli/b.cc", HEAD + '#include "api/a.h"\n')
        self.assertEqual(self.errors("core/api/a.h", HEAD + '#include "dcp/v1/dcp.pb.h"\n#include <grpcpp/grpcpp.h>\n'), [])
        self.assertEqual(len(self.errors("core/api/a.h", HEAD + "#include <boost/asio.hpp>\n")), 1)

    def test_only_the_edge_speaks_grpc(self):
        self.assertEqual(self.errors("core/api/a.cc", HEAD + "#include <grpcpp/grpcpp.h>\n"), [])
        found = self.errors("core/graph/a.cc", HEAD + "#include <grpcpp/grpcpp.h>\n")
        self.assertIn("room graph includes grpcpp/grpcpp.h", found[0])

    def test_every_file_says_its_licence(self):
        self.assertIn("a.py:1: lacks", self.errors("scripts/a.py", "import os\n")[0])
        self.assertEqual(self.errors("scripts/a.py", "#!/usr/bin/env python3\n# SPDX-License-Identifier: Apache-2.0\n"), [])

    def test_what_was_built_is_not_looked_at(self):
        self.assertEqual(self.errors("build/debug/a.cc", "x"), [])

    def test_long_files(self):
        self.assertEqual(self.errors("core/os/a.cc", HEAD + "\n" * 598), [])
        self.assertEqual(len(tidy.check_tree(self.root).warnings), 1)
        self.assertIn("has 601 lines", self.errors("core/os/a.cc", HEAD + "\n" * 600)[0])

    def long_function(self, statements, head="Status Class::Long(int a,\n                   int b) const {"):
        return HEAD + "namespace dcp {\n\n" + head + "\n" + "  a = b;\n" * statements + "}\n\n}  // namespace dcp\n"

    def test_long_functions(self):
        self.assertEqual(self.errors("core/os/a.cc", self.long_function(60)), [])
        self.assertEqual(tidy.check_tree(self.root).warnings, [])
        self.assertEqual(self.errors("core/os/a.cc", self.long_function(90)), [])
        self.assertIn("function Class::Long has 92 lines", tidy.check_tree(self.root).warnings[0])
        self.assertIn("function Class::Long has 112 lines", self.errors("core/os/a.cc", self.long_function(110))[0])
        text = self.long_function(110, "TEST(Long, X) {").replace("TEST", "void Long")
        self.assertIn("function Long has", self.errors("core/os/a.cc", text)[0])

    def test_a_long_class_is_no_function(self):
        for head in ("class Long : public Base {", "struct Long {", "enum class Long {", "constexpr int kTable[] = {"):
            self.assertEqual(self.errors("core/os/a.cc", self.long_function(110, head)), [], head)

    def page(self, *ids):
        rows = "".join(f"| {name} | It failed. | Mend it. |\n" for name in ids)
        self.write("docs/reference/errors.md", "# Errors\n\n| id | meaning | what to do |\n| --- | --- | --- |\n" + rows)

    def test_an_id_that_is_raised_has_a_row(self):
        self.page("PZ0201")
        code = HEAD + 'auto a = Fail("PZ0201");\nauto b = Fail("PZ0202");\n'
        self.assertEqual(self.errors("plugins/spark/a.cc", code), ["plugins/spark/a.cc:3: PZ0202 has no row in docs/reference/errors.md"])
        self.page("PZ0201", "PZ0202")
        self.assertEqual(tidy.check_tree(self.root).errors, [])

    def test_a_row_is_of_an_id_that_is_raised(self):
        self.page("PZ0201")
        for path, text in (("core/os/a.cc", '// "PZ0201" in a comment\n'), ("core/os/a_test.cc", 'Expect("PZ0201");\n'),
                           ("core/os/testing/fake.cc", 'Fail("PZ0201");\n'), ("tests/a.cc", 'Expect("PZ0201");\n')):  # fmt: skip
            found = self.errors(path, HEAD + text)
            self.assertIn("docs/reference/errors.md:5: PZ0201 is raised nowhere", found, path)
        python = '# SPDX-License-Identifier: Apache-2.0\nraise Failure("PZ0201")\n'
        self.assertEqual(self.errors("spark/a.py", python), [])

    def test_an_id_has_one_row(self):
        self.page("PZ0201", "PZ0201")
        found = self.errors("core/os/a.cc", HEAD + 'Fail("PZ0201");\n')
        self.assertEqual(found, ["docs/reference/errors.md:6: PZ0201 has a row already, on line 5"])

    def test_a_block_belongs_to_one_part(self):
        self.page("PZ0201", "PZ0202", "PZ0203")
        self.write("core/api/a.cc", HEAD + 'Fail("PZ0201");\n')
        found = self.errors("core/base/b.cc", HEAD + 'Fail("PZ0202");\n')
        self.assertEqual(found, ["docs/reference/errors.md:7: PZ0203 is raised nowhere"])
        found = self.errors("plugins/spark/a.cc", HEAD + 'Fail("PZ0203");\n')
        self.assertEqual(found, ["plugins/spark/a.cc:2: PZ0203 is of block PZ02xx, which belongs to core"])

    def test_samples_are_for_tests(self):
        self.assertEqual(self.errors("core/os/a_test.cc", HEAD + 'Expect("PZ0001");\n'), [])
        self.assertIn("PZ0001 is left to tests", self.errors("core/os/a.cc", HEAD + 'Fail("PZ0001");\n')[0])

    def test_a_document_names_no_unknown_id(self):
        self.assertEqual(self.errors("docs/a.md", "PZ02xx, PZ010x and XPZ0201 name no single id.\n"), [])
        self.assertEqual(self.errors("docs/a.md", "See PZ0201.\n"), ["docs/a.md:1: PZ0201 has no row in docs/reference/errors.md"])

    def test_a_crash_point_is_one_place(self):
        self.write("core/base/crash_points.inc", HEAD + 'DCP_CRASH_POINT_NAME("a.b.c", "somewhere")\n')
        self.write("core/base/a_test.cc", HEAD + 'DCP_CRASH_POINT("a.b.c");\n')
        use = HEAD + 'void f() { DCP_CRASH_POINT("a.b.c"); }\n'
        self.assertIn("a.b.c is used nowhere", self.errors("core/os/a.cc", HEAD)[0])
        self.assertEqual(self.errors("core/os/a.cc", use), [])
        self.assertIn("stands at core/os/a.cc:2 too", self.errors("core/os/b.cc", use)[0])
        self.write("core/os/b.cc", HEAD)
        self.assertIn("not in the list", self.errors("core/os/b.cc", HEAD + 'DCP_CRASH_POINT("x.y.z");\n')[0])


if __name__ == "__main__":
    unittest.main()
