# SPDX-License-Identifier: Apache-2.0
"""Whatever Spark says of a query stands in the query: at the place that Spark names, else where the query begins."""

import pytest

# The query begins on line 6, behind four blanks.
MANIFEST = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: {name}, namespace: lab}}\nspec:\n  sql: |\n{sql}\n"
SQL_LINE, INDENT = 5, 4

# command: name: (query, error class, (line of the query, column in it))
CASES = {
    ("test",): {
        "column": ("SELECT\n  1 AS a,\n  carier FROM prod.nyc.airlines", "UNRESOLVED_COLUMN.WITH_SUGGESTION", (3, 3)),
        "wide_letters": ("SELECT '\u00e9\U0001f600' AS a, carier FROM prod.nyc.airlines", "UNRESOLVED_COLUMN.WITH_SUGGESTION", (1, 19)),
        "table": ("SELECT *\nFROM prod.nyc.airlins", "TABLE_OR_VIEW_NOT_FOUND", (2, 6)),
        "arguments": ("SELECT 1 AS a,\n  now(1) AS b", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", (2, 3)),
        "syntax": ("SELECT 1 AS a\nFROM prod.nyc.airlines\n  WHERE GROUP 1", "PARSE_SYNTAX_ERROR", (3, 15)),
        "early_end": ("SELECT 1 AS a\nFROM", "PARSE_SYNTAX_ERROR", (2, 5)),
        "types": ("SELECT 1 AS a,\n  array(1) + 2 AS b", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", (2, 3)),
        # About the query as a whole.
        "aggregate": ("SELECT carrier,\n  count(*) AS n FROM prod.nyc.airlines", "MISSING_GROUP_BY", (1, 1)),
        "ambiguous": ("SELECT\n  a.carrier, carrier FROM prod.nyc.airlines a, prod.nyc.airlines b", "AMBIGUOUS_REFERENCE", (2, 14)),
    },
    ("test", "--mode", "limit0"): {
        "folded": ("SELECT id,\n  1 / 0 AS b FROM range(3)", "DIVIDE_BY_ZERO", (2, 3)),
    },
    ("preview",): {
        "division": ("SELECT id,\n  1 / (id - 1) AS b FROM range(3)", "DIVIDE_BY_ZERO", (2, 3)),
        "overflow": ("SELECT id,\n  2147483647 + CAST(id AS INT) AS b FROM range(3)", "ARITHMETIC_OVERFLOW", (2, 3)),
        "cast": ("SELECT\n  CAST('a' || id AS INT) AS b FROM range(3)", "CAST_INVALID_INPUT", (2, 3)),
        "element": ("SELECT\n  array(1)[id] AS b FROM range(3)", "INVALID_ARRAY_INDEX", (2, 3)),
        # Spark names no place.
        "raised": ("SELECT id,\n  raise_error('bad ' || id) AS b FROM range(3)", "USER_RAISED_EXCEPTION", (1, 1)),
    },
}


@pytest.mark.parametrize("command", CASES, ids=" ".join)
def test_stands_in_the_sql(stack, playground, tmp_path, command):
    expected = {}
    for name, (sql, engine_class, place) in CASES[command].items():
        text = "\n".join(" " * INDENT + line for line in sql.split("\n"))
        (tmp_path / f"{name}.yaml").write_text(MANIFEST.format(name=name, sql=text))
        expected[name] = (engine_class, *place)
    report = stack.json(*command, tmp_path, check=False)
    found = {}
    for finding in report["findings"]:
        location = finding["location"]
        name = location["file"].removeprefix(f"{tmp_path}/").removesuffix(".yaml")
        assert name not in found, finding
        found[name] = (finding["engineCode"], location["line"] - SQL_LINE, location["column"] - INDENT)
    assert found == expected
