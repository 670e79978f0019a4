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


@pytest.mark.parametrize("path", ["/tmp/pretzel-was-here", "/tmp/pretzel-out"])
def test_nothing_ran_on_the_server(path):
    from pathlib import Path

    assert not Path(path).exists()
