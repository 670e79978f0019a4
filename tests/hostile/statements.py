# SPDX-License-Identifier: Apache-2.0
"""SQL that is no query, that leaves the wrapper, or that reaches past the catalog while it is only analysed."""

from cases import sql

TABLE = "prod.nyc.airlines"

# Each statement kind of Spark's grammar that is not a query, the words of Iceberg's extensions with them.
STATEMENTS = {
    "USE": f"USE {TABLE}", "USE NAMESPACE": "USE NAMESPACE prod.nyc", "SET CATALOG": "SET CATALOG prod", "CREATE NAMESPACE": "CREATE NAMESPACE prod.x",
    "ALTER NAMESPACE": "ALTER NAMESPACE prod.nyc SET PROPERTIES (a = 'b')", "DROP NAMESPACE": "DROP NAMESPACE prod.nyc CASCADE",
    "CREATE TABLE": "CREATE TABLE prod.nyc.x (a INT)", "CTAS": f"CREATE TABLE prod.nyc.x AS SELECT * FROM {TABLE}",
    "CREATE EXTERNAL": "CREATE EXTERNAL TABLE prod.nyc.x (a INT) LOCATION '/tmp/x'", "RTAS": f"REPLACE TABLE {TABLE} AS SELECT 1 AS a",
    "CREATE OR REPLACE": f"CREATE OR REPLACE TABLE {TABLE} (a INT)", "CREATE LIKE": f"CREATE TABLE prod.nyc.x LIKE {TABLE}",
    "DROP TABLE": f"DROP TABLE {TABLE}", "DROP PURGE": f"DROP TABLE IF EXISTS {TABLE} PURGE", "TRUNCATE": f"TRUNCATE TABLE {TABLE}",
    "ALTER ADD": f"ALTER TABLE {TABLE} ADD COLUMN x INT", "ALTER DROP": f"ALTER TABLE {TABLE} DROP COLUMN name",
    "ALTER RENAME": f"ALTER TABLE {TABLE} RENAME TO prod.nyc.gone", "ALTER LOCATION": f"ALTER TABLE {TABLE} SET LOCATION 'file:///tmp/x'",
    "ALTER BRANCH": f"ALTER TABLE {TABLE} CREATE BRANCH x", "ALTER TAG": f"ALTER TABLE {TABLE} CREATE TAG x",
    "ALTER PARTITION": f"ALTER TABLE {TABLE} ADD PARTITION FIELD carrier", "ALTER WRITE": f"ALTER TABLE {TABLE} WRITE ORDERED BY carrier",
    "INSERT": f"INSERT INTO {TABLE} VALUES ('Z', 'z')", "INSERT OVERWRITE": f"INSERT OVERWRITE {TABLE} SELECT * FROM {TABLE}",
    "INSERT REPLACE": f"INSERT INTO {TABLE} REPLACE WHERE carrier = 'ZZ' SELECT 1", "INSERT BY NAME": f"INSERT INTO {TABLE} BY NAME SELECT 1",
    "INSERT DIRECTORY": "INSERT OVERWRITE DIRECTORY '/tmp/pretzel-out' SELECT 1", "INSERT LOCAL": "INSERT OVERWRITE LOCAL DIRECTORY '/tmp/x' SELECT 1",
    "UPDATE": f"UPDATE {TABLE} SET name = 'x'", "DELETE": f"DELETE FROM {TABLE} WHERE true",
    "MERGE": f"MERGE INTO {TABLE} a USING {TABLE} b ON true WHEN MATCHED THEN DELETE",
    "MERGE EVOLUTION": f"MERGE WITH SCHEMA EVOLUTION INTO {TABLE} a USING {TABLE} b ON true WHEN MATCHED THEN DELETE",
    "CALL": "CALL prod.system.expire_snapshots('nyc.airlines')", "CALL rollback": "CALL prod.system.rollback_to_snapshot('nyc.airlines', 1)",
    "CALL rewrite": "CALL prod.system.rewrite_data_files(table => 'nyc.airlines')", "CALL orphans": "CALL prod.system.remove_orphan_files(table => 'nyc.airlines')",
    "CALL snapshot": "CALL prod.system.snapshot('nyc.airlines', 'nyc.x')", "CALL migrate": "CALL prod.system.migrate('nyc.airlines')",
    "EXECUTE IMMEDIATE": f"EXECUTE IMMEDIATE 'DROP TABLE {TABLE}'", "EXECUTE USING": "EXECUTE IMMEDIATE 'SELECT ?' USING 1",
    "script": f"BEGIN DROP TABLE {TABLE}; END", "script loop": "BEGIN WHILE true DO SELECT 1; END WHILE; END", "DECLARE": "DECLARE VARIABLE x INT = 1",
    "SET VAR": "SET VAR x = 1", "DROP VARIABLE": "DROP TEMPORARY VARIABLE x", "SET": "SET spark.sql.catalog.prod.uri=http://127.0.0.1:1",
    "SET -v": "SET -v", "SET TIME ZONE": "SET TIME ZONE 'UTC'", "RESET": "RESET", "RESET key": "RESET spark.sql.ansi.enabled",
    "CREATE VIEW": "CREATE VIEW prod.nyc.v AS SELECT 1", "CREATE TEMP VIEW": "CREATE TEMPORARY VIEW v AS SELECT 1",
    "CREATE GLOBAL VIEW": "CREATE GLOBAL TEMPORARY VIEW v AS SELECT 1", "VIEW USING": "CREATE TEMPORARY VIEW v USING csv OPTIONS (path '/etc/passwd')",
    "ALTER VIEW": "ALTER VIEW prod.nyc.v AS SELECT 2", "DROP VIEW": "DROP VIEW prod.nyc.v", "CREATE FUNCTION": "CREATE FUNCTION prod.nyc.f AS 'x.Y'",
    "CREATE TEMP FUNCTION": "CREATE TEMPORARY FUNCTION f AS 'java.lang.Runtime' USING JAR '/tmp/x.jar'",
    "CREATE SQL FUNCTION": "CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1", "DROP FUNCTION": "DROP FUNCTION prod.nyc.f",
    "CACHE": f"CACHE TABLE t AS SELECT * FROM {TABLE}", "CACHE LAZY": f"CACHE LAZY TABLE {TABLE}", "UNCACHE": f"UNCACHE TABLE {TABLE}",
    "CLEAR CACHE": "CLEAR CACHE", "REFRESH": f"REFRESH TABLE {TABLE}", "REFRESH path": "REFRESH '/tmp/x'", "REFRESH FUNCTION": "REFRESH FUNCTION f",
    "ANALYZE": f"ANALYZE TABLE {TABLE} COMPUTE STATISTICS", "MSCK": f"MSCK REPAIR TABLE {TABLE}", "LOAD": f"LOAD DATA INPATH '/etc/passwd' INTO TABLE {TABLE}",
    "ADD JAR": "ADD JAR '/tmp/x.jar'", "ADD FILE": "ADD FILE '/etc/passwd'", "ADD ARCHIVE": "ADD ARCHIVE '/tmp/x.zip'", "LIST JARS": "LIST JARS",
    "SHOW TABLES": "SHOW TABLES IN prod.nyc", "SHOW CREATE": f"SHOW CREATE TABLE {TABLE}", "SHOW PROPERTIES": f"SHOW TBLPROPERTIES {TABLE}",
    "SHOW NAMESPACES": "SHOW NAMESPACES IN prod", "SHOW FUNCTIONS": "SHOW FUNCTIONS", "SHOW CATALOGS": "SHOW CATALOGS",
    "DESCRIBE": f"DESCRIBE EXTENDED {TABLE}", "DESC": f"DESC {TABLE}", "DESCRIBE QUERY": "DESCRIBE QUERY SELECT 1", "EXPLAIN": f"EXPLAIN DROP TABLE {TABLE}",
    "EXPLAIN query": "EXPLAIN EXTENDED SELECT 1", "COMMENT": f"COMMENT ON TABLE {TABLE} IS 'x'", "GRANT": f"GRANT ALL ON {TABLE} TO x",
    "REVOKE": f"REVOKE ALL ON {TABLE} FROM x", "EXPORT": f"EXPORT TABLE {TABLE} TO '/tmp/x'", "IMPORT": "IMPORT TABLE x FROM '/tmp/x'",
    "LOCK": f"LOCK TABLE {TABLE} EXCLUSIVE", "START TRANSACTION": "START TRANSACTION", "COMMIT": "COMMIT", "ROLLBACK": "ROLLBACK",
    "CREATE INDEX": f"CREATE INDEX i ON {TABLE} (carrier)", "OPTIMIZE": f"OPTIMIZE {TABLE}", "VACUUM": f"VACUUM {TABLE}", "DFS": "dfs -ls /",
    "bang": "!ls", "SOURCE": "SOURCE /etc/passwd", "pipe": f"{TABLE} |> DROP carrier", "bare table": TABLE, "a word": "hello", "a number": "1",
    "a string": "'SELECT 1'", "a quoted name": "`SELECT` 1", "parameter": ":p", "misspelled": "SELEC 1", "typo with": "WTIH q AS (SELECT 1) SELECT 1",
}

# Commands in the clothes of a query.
DRESSED = {
    "with insert": f"WITH q AS (SELECT 1) INSERT INTO {TABLE} SELECT * FROM q", "with delete": f"WITH q AS (SELECT 1) DELETE FROM {TABLE}",
    "with update": f"WITH q AS (SELECT 1) UPDATE {TABLE} SET name = 'x'", "with merge": f"WITH q AS (SELECT 1) MERGE INTO {TABLE} USING q ON true WHEN MATCHED THEN DELETE",
    "with evolution": f"WITH q AS (SELECT 1) MERGE WITH SCHEMA EVOLUTION INTO {TABLE} USING q ON true WHEN MATCHED THEN DELETE",
    "from insert": f"FROM {TABLE} INSERT INTO {TABLE} SELECT *", "from two inserts": f"FROM {TABLE} INSERT INTO a SELECT * INSERT INTO b SELECT *",
    "from overwrite": f"FROM {TABLE} INSERT OVERWRITE DIRECTORY '/tmp/x' SELECT *", "with from insert": f"WITH q AS (SELECT 1) FROM q INSERT INTO {TABLE} SELECT *",
    "carriage return": f"FROM {TABLE} -- \rINSERT INTO {TABLE} SELECT *", "no-break space": f"FROM {TABLE} INSERT\u00a0INTO {TABLE} SELECT *",
    "ideographic space": f"FROM {TABLE}\u3000INSERT\u3000INTO {TABLE} SELECT *", "comment between": f"FROM {TABLE} INSERT/**/INTO {TABLE} SELECT *",
    "hint in a comment": f"FROM {TABLE} /* /*+ */ INSERT INTO {TABLE} SELECT * --*/", "in parentheses": f"(DROP TABLE {TABLE})",
    "deep in parentheses": f"((((INSERT INTO {TABLE} SELECT 1))))", "comment first": f"/* SELECT 1 */ DROP TABLE {TABLE}", "line comment first": f"-- SELECT\nDROP TABLE {TABLE}",
    "comma with": f"WITH a AS (SELECT 1), b AS (SELECT 2) INSERT INTO {TABLE} SELECT * FROM b", "with without as": f"WITH q (SELECT 1) INSERT INTO {TABLE} SELECT * FROM q",
    "lower case": f"drop table {TABLE}", "mixed case": f"dRoP tAbLe {TABLE}", "spaces first": f"\n\n\t  DROP TABLE {TABLE}", "byte order mark": f"\ufeffDROP TABLE {TABLE}",
    "with call": "WITH q AS (SELECT 1) CALL prod.system.expire_snapshots('nyc.airlines')", "insert in a CTE": f"WITH q AS (INSERT INTO {TABLE} SELECT 1) SELECT * FROM q",
    "drop in a sub-query": f"SELECT * FROM (DROP TABLE {TABLE})", "set in a sub-query": "SELECT * FROM (SET a = b)", "execute in a CTE": "WITH q AS (EXECUTE IMMEDIATE 'SELECT 1') SELECT 1",
}

WRAPPER = {
    "two statements": f"SELECT 1; DROP TABLE {TABLE}", "a script of two": "SELECT 1;\n\nSELECT 2;", "semicolon first": f"; DROP TABLE {TABLE}", "closing": "SELECT 1) UNION ALL (SELECT 2",
    "closing and dropping": f"SELECT 1); DROP TABLE {TABLE}; SELECT (1", "closing first": ") SELECT 1 (", "comment tail": "SELECT 1) --", "bracketed tail": "SELECT 1) /*",
    "open comment": "SELECT 1 /*", "open nested comment": "SELECT 1 /* /* */", "open string": "SELECT '", "open double quote": 'SELECT "', "open name": "SELECT `",
    "escaped quote": "SELECT '\\'", "escaped at the end": "SELECT 'a\\", "open parenthesis": "SELECT (1", "two open": "SELECT ((1)", "201 parentheses": "SELECT " + "(" * 201 + "1" + ")" * 201,
    "10000 parentheses": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000, "33 comments": "SELECT 1 " + "/*" * 33 + "*/" * 33, "variable": "SELECT '${env:HOME}'", "variable in a comment": "SELECT 1 -- ${x}",
    "spark token": "SELECT '${spark.connect.authenticate.token}'", "system variable": "SELECT ${system:user.home}", "dollar": "SELECT $x", "dollar quotes": "SELECT $$x$$", "number and raw": "SELECT 1.e5r'x'",
    "NUL": "SELECT 1 \0", "NUL in text": "SELECT '\0'", "empty": "", "blank": "  \n\t ", "semicolons": ";;;", "comment only": "-- x", "bracketed only": "/* x */", "star": "*", "open bracket string": "SELECT a['",
    "hint is no comment": "SELECT /*+ x", "undeclared": "SELECT :nope", "undeclared in a path": "SELECT * FROM prod.nyc.airlines WHERE a = :a1 AND b = :b2", "question mark": "SELECT ?",
}

# Functions that run Java or reach out, with every quoting.
REFLECT = {f"{function} {name}": template.format(function) for function in ("reflect", "java_method", "try_reflect") for name, template in {
    "plain": "SELECT {}('java.lang.System', 'exit', 1)", "quoted": "SELECT `{}`('a', 'b')", "qualified": "SELECT system.builtin.{}('a', 'b')",
    "in where": "SELECT 1 WHERE {}('a', 'b') = 'x'", "spaced": "SELECT {} ('a', 'b')", "comment": "SELECT {}/**/('a', 'b')", "in a CTE": "WITH q AS (SELECT {}('a', 'b')) SELECT * FROM q",
    "in a window": "SELECT sum(1) OVER (PARTITION BY {}('a', 'b'))", "in from": "SELECT * FROM {}('a', 'b')",
}.items()}
REFLECT |= {
    "REFLECT in capitals": "SELECT REFLECT('a', 'b')", "Reflect mixed": "SELECT ReFlEcT('a', 'b')", "quoted capitals": "SELECT `REFLECT`('a', 'b')", "wide space": "SELECT reflect\u3000('a', 'b')",
    "lambda": "SELECT transform(array(1), x -> reflect('a', x))", "in values": "VALUES (reflect('a', 'b'))", "in a hint": "SELECT /*+ reflect(a) */ 1",
}

REACHING = {
    **{f"{fmt}.path": f"SELECT * FROM {fmt}.`/etc/passwd`" for fmt in ("csv", "json", "parquet", "orc", "text", "xml", "avro", "binaryFile", "delta", "iceberg", "jdbc", "CSV")},
    "file uri": "SELECT * FROM text.`file:///etc/passwd`", "s3 uri": "SELECT * FROM parquet.`s3://bucket/x`", "quoted format": "SELECT * FROM `text`.`/etc/passwd`", "class name": "SELECT * FROM org.apache.spark.sql.csv.`x`",
    "join path": "SELECT * FROM prod.nyc.airlines JOIN csv.`/etc/passwd` ON true", "table path": "TABLE text.`/etc/passwd`", "comma path": "SELECT * FROM prod.nyc.airlines, text.`/etc/passwd`",
    "glob": "SELECT * FROM csv.`/etc/*`", "unquoted uri": "SELECT * FROM file:///etc/passwd", "dot dot": "SELECT * FROM text.`../../etc/passwd`", "spaced dot": "SELECT * FROM text . `/etc/passwd`",
    "read_files": "SELECT * FROM read_files('/etc/passwd')", "READ_FILES": "SELECT * FROM READ_FILES('/etc')", "read_kafka": "SELECT * FROM read_kafka(bootstrapServers => 'x')", "read_statestore": "SELECT * FROM read_statestore('/tmp')",
    "from_protobuf": "SELECT from_protobuf(x, 'M', '/etc/passwd') FROM t", "secret": "SELECT secret('a', 'b')", "http_request": "SELECT http_request('http://169.254.169.254/')", "ai_query": "SELECT ai_query('m', 'x')",
    "transform": f"SELECT TRANSFORM(carrier) USING 'sh -c id' FROM {TABLE}", "transform as": f"SELECT TRANSFORM(a, b) ROW FORMAT DELIMITED USING 'cat' AS (x, y) FROM {TABLE}", "map": f"MAP carrier USING 'cat' FROM {TABLE}",
    "reduce": f"REDUCE carrier USING 'cat' FROM {TABLE}", "from map": f"FROM {TABLE} MAP carrier USING 'cat'", "from reduce": f"FROM {TABLE} REDUCE carrier USING 'cat'", "transform parameter": f"SELECT TRANSFORM(a) USING :p FROM {TABLE}",
    "identifier": "SELECT * FROM IDENTIFIER('prod.nyc.' || 'airlines')", "identifier function": "SELECT IDENTIFIER('ref' || 'lect')('a', 'b')", "identifier spaced": "SELECT * FROM IDENTIFIER ('x')", "identifier column": "SELECT IDENTIFIER('a') FROM t",
    "identifier parameter": "SELECT * FROM identifier(:t)", "execute in text": "SELECT 1 EXECUTE IMMEDIATE 'x'",
}

# These reach Spark: names and types that are wrong, and statements that its own grammar must stop.
ENGINE = {
    "no such table": "SELECT * FROM prod.nyc.nothing", "no such namespace": "SELECT * FROM prod.nowhere.t", "no such catalog": "SELECT * FROM other.nyc.airlines", "no such column": f"SELECT nope FROM {TABLE}",
    "no such function": "SELECT nope(1)", "wrong type": "SELECT date_add('x', 'y', 'z')", "hidden word": "SELECT \u00e9reflect\u00e9(1)", "fullwidth select": "SELECT \uff13 FROM t", "full-width word": "SELECT ｒｅｆｌｅｃｔ('a', 'b')",
    "zero width": f"SELECT * FROM prod.nyc.air\u200blines", "right to left": f"SELECT '\u202e', nope FROM {TABLE}", "homoglyph": "SELECT * FROM prod.nyc.\u0430irlines", "combining": "SELECT a\u0301 FROM prod.nyc.airlines",
    "emoji name": "SELECT \U0001f600 FROM prod.nyc.airlines", "quoted table": "SELECT * FROM `prod.nyc.airlines`", "metadata of nothing": "SELECT * FROM prod.nyc.nothing.snapshots", "time travel": f"SELECT * FROM {TABLE} VERSION AS OF 1",
    "a branch": f"SELECT * FROM {TABLE} VERSION AS OF 'nope'", "session catalog": "SELECT * FROM spark_catalog.default.x", "global temp": "SELECT * FROM global_temp.x", "cross-reference": "SELECT * FROM range(10) t(a), u", "trailing comma": "SELECT 1,",
    "missing operand": "SELECT 1 +", "union of widths": "SELECT 1 UNION SELECT 1, 2", "recursion": "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM q", "aggregate in where": f"SELECT 1 FROM {TABLE} WHERE count(*) > 1",
    "ungrouped": f"SELECT carrier, count(*) FROM {TABLE}", "duplicate columns": "SELECT 1 AS a, 2 AS a", "void column": "SELECT NULL AS a", "interval column": "SELECT INTERVAL 1 DAY AS a", "ten thousand columns": "SELECT " + ", ".join(["nope"] * 2000),
    "deep operators": "SELECT " + "-" * 1 + " " + "- " * 600 + "nope", "python source": "SELECT * FROM pyspark.`x`", "table function": "SELECT * FROM nope(1)", "python udtf": "SELECT * FROM python_udtf()",
    "alias of commands": "SELECT delete, insert FROM nowhere", "lateral": "SELECT * FROM LATERAL nope()", "sql keyword": "SELECT FROM WHERE",
}


def all_cases():
    for group, table in (("statement", STATEMENTS), ("dressed", DRESSED), ("wrapper", WRAPPER), ("java", REFLECT), ("reaching", REACHING), ("engine", ENGINE)):
        for name, text in table.items():
            yield sql(f"{group}: {name}", text)
