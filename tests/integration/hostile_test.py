# SPDX-License-Identifier: Apache-2.0
"""`test` writes nothing: not on any example, and not for at least 25 statements that try to."""

import json

import pytest
from main_path_test import examples

# What each must be refused as, or at least must not do. All are sent as the SQL of a manifest.
HOSTILE = {
    "drop table": "DROP TABLE prod.nyc.airlines",
    "insert": "INSERT INTO prod.nyc.airlines VALUES ('ZZ', 'Zed')",
    "insert overwrite": "INSERT OVERWRITE prod.nyc.airlines SELECT * FROM prod.nyc.airlines",
    "ctas": "CREATE TABLE prod.nyc.stolen AS SELECT * FROM prod.nyc.airlines",
    "create table": "CREATE TABLE prod.nyc.empty (n INT) USING iceberg",
    "rtas": "CREATE OR REPLACE TABLE prod.nyc.airlines AS SELECT 1 AS n",
    "delete": "DELETE FROM prod.nyc.airlines",
    "update": "UPDATE prod.nyc.airlines SET name = 'x'",
    "merge": "MERGE INTO prod.nyc.airlines a USING prod.nyc.airlines b ON a.carrier = b.carrier WHEN MATCHED THEN DELETE",
    "alter": "ALTER TABLE prod.nyc.airlines ADD COLUMN x INT",
    "truncate": "TRUNCATE TABLE prod.nyc.airlines",
    "with insert": "WITH q AS (SELECT 'ZZ' AS c, 'Zed' AS n) INSERT INTO prod.nyc.airlines SELECT * FROM q",
    "from insert": "FROM prod.nyc.airlines INSERT INTO prod.nyc.airlines SELECT *",
    "namespace": "CREATE NAMESPACE prod.evil",
    "drop namespace": "DROP NAMESPACE prod.nyc CASCADE",
    "call": "CALL prod.system.expire_snapshots('nyc.airlines')",
    "call remove orphans": "CALL prod.system.remove_orphan_files(table => 'nyc.airlines')",
    "execute immediate": "EXECUTE IMMEDIATE 'DROP TABLE prod.nyc.airlines'",
    "script": "BEGIN DROP TABLE prod.nyc.airlines; END",
    "two statements": "SELECT 1; DROP TABLE prod.nyc.airlines",
    "closing the wrapper": "SELECT 1) UNION ALL (SELECT 2",
    "comment tail": "SELECT 1 -- )\n) ; DROP TABLE prod.nyc.airlines --",
    "set": "SET spark.sql.catalog.prod.uri=http://127.0.0.1:1",
    "use": "USE prod.nyc",
    "cache": "CACHE TABLE t AS SELECT * FROM prod.nyc.airlines",
    "view": "CREATE TEMPORARY VIEW v AS SELECT 1",
    "function": "CREATE TEMPORARY FUNCTION f AS 'java.lang.Runtime'",
    "add jar": "ADD JAR '/tmp/x.jar'",
    "reflect": "SELECT reflect('java.lang.System', 'exit', 1)",
    "java_method": "SELECT java_method('java.lang.Runtime', 'getRuntime')",
    "quoted reflect": "SELECT `reflect`('java.lang.System', 'exit', 1)",
    "transform": "SELECT TRANSFORM(carrier) USING 'touch /tmp/pretzel-was-here' FROM prod.nyc.airlines",
    "path table": "SELECT * FROM text.`/etc/passwd`",
    "variable": "SELECT '${env:HOME}'",
    "insert directory": "INSERT OVERWRITE DIRECTORY '/tmp/pretzel-out' SELECT 1",
    "explain": "EXPLAIN DROP TABLE prod.nyc.airlines",
    "describe": "DESCRIBE TABLE prod.nyc.airlines",
    "empty": "   ",
    "comment only": "-- nothing",
    "unterminated text": "SELECT 'oops FROM prod.nyc.airlines",
    "unterminated comment": "SELECT 1 /* and then",
}

MANIFEST = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {{name: hostile, namespace: lab}}\nspec:\n  sql: {sql}\n"


def test_there_are_at_least_25():
    assert len(HOSTILE) >= 25


def test_no_example_and_no_hostile_statement_changes_anything(stack, playground, tmp_path):
    before = stack.listing()
    answer = stack.cli("derived-dataset", "test", *examples(), check=False)
    assert answer.returncode in (0, 1), answer.stderr
    passed = []
    for name, sql in HOSTILE.items():
        path = tmp_path / f"{name.replace(' ', '_')}.yaml"
        path.write_text(MANIFEST.format(sql=json.dumps(sql)))
        answer = stack.cli("derived-dataset", "test", path, "-o", "json", check=False)
        if answer.returncode not in (1, 2):
            passed.append((name, answer.returncode, answer.stdout[-500:], answer.stderr[-500:]))
            continue
        report = json.loads(answer.stdout)
        finding = next(finding for finding in report["findings"] if finding["severity"] == "ERROR")
        assert finding["code"].startswith("PZ") and finding["message"], (name, finding)
        assert finding["location"]["file"].endswith(path.name) and finding["location"]["line"] >= 1, (name, finding)
    assert passed == []
    assert stack.listing() == before


# Names of functions that are refused, where they call nothing: Spark takes them for names, too.
NAMES = {
    "columns": "SELECT 1 AS reflect, t.xpath, secret FROM VALUES (1, 2) AS t(xpath, secret)",
    "table": "SELECT reflect.java_method FROM VALUES ('a', 'b') AS reflect(reflect, java_method)",
    "cte": "WITH reflect(a, b) AS (SELECT 1, 2), xpath AS (SELECT 3 AS secret) SELECT a, b, secret FROM reflect, xpath",
    "subquery": "SELECT secret FROM (SELECT 1) AS xpath (secret)",
    "lambda": "SELECT transform(array(1), reflect -> reflect + 1) AS a, named_struct('reflect', 1).reflect",
    "window": "SELECT sum(id) OVER reflect AS a FROM range(3) WINDOW reflect AS (PARTITION BY id)",
}
# What passes the screen for the same reason, and would be a call if Spark read it as one.
NO_CALLS = {
    "behind_as": "SELECT 'java.lang.System' AS a, 'lineSeparator' AS b, 1 AS reflect(a, b)",
    "column_as": "SELECT as AS reflect(a, b) FROM VALUES (1, 2, 3) AS t(as, a, b)",
    "as_alone": "SELECT as reflect(a, b) FROM VALUES (1, 2, 3) AS t(as, a, b)",
    "sum_as": "SELECT 1 + as reflect(a, b) FROM VALUES (1, 2, 3) AS t(as, a, b)",
    "cast": "SELECT CAST(a AS reflect(a, b)) FROM VALUES (1, 2) AS t(a, b)",
}


def test_a_name_is_no_call_to_the_screen_and_none_to_spark(stack, playground, tmp_path):
    for name, sql in {**NAMES, **NO_CALLS}.items():
        (tmp_path / f"{name}.yaml").write_text(MANIFEST.replace("hostile", name).format(sql=json.dumps(sql)))
    report = stack.json("derived-dataset", "test", tmp_path, check=False)
    findings = {finding["location"]["file"].rsplit("/")[-1].removesuffix(".yaml"): finding for finding in report["findings"]}
    passed = {dataset["name"].removeprefix("lab.") for dataset in report["datasets"] if dataset["status"] == "PASSED"}
    assert passed == set(NAMES), report["findings"]
    assert {name: finding["engineCode"] for name, finding in findings.items()} == dict.fromkeys(NO_CALLS, "PARSE_SYNTAX_ERROR")


@pytest.mark.parametrize("path", ["/tmp/pretzel-was-here", "/tmp/pretzel-out"])
def test_nothing_ran_on_the_server(path):
    from pathlib import Path

    assert not Path(path).exists()
