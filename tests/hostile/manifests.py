# SPDX-License-Identifier: Apache-2.0
"""Manifests: what YAML can do to a reader, sizes at a limit and beyond it, and wrong types for every field."""

from cases import HEAD, manifest, spec

SQL = "  sql: SELECT 1 AS one\n"
FILE_BYTES_MAX = 4 << 20
SQL_BYTES_MAX = 1 << 20
DEPTH_MAX = 64

OTHER_TYPES = {"list": "[a]", "map": "{a: b}", "number": "12", "boolean": "true", "nothing": "", "float": "1.5", "hex": "0x1F"}


def texts():
    """Bytes that are no text, or no YAML."""
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    yield manifest("empty", b"", "no manifest")
    yield manifest("blank lines", b"\n\n  \n", "no manifest")
    yield manifest("comment only", b"# nothing\n", "no manifest")
    yield manifest("markers only", b"---\n---\n", "no manifest")
    yield manifest("one NUL", b"\0", "NUL")
    yield manifest("NUL within", HEAD.encode() + b"spec:\n  sql: SELECT \0 1\n", "NUL")
    yield manifest("NUL in a comment", HEAD.encode() + b"# \0\nspec:\n  sql: SELECT 1\n", "NUL")
    yield manifest("all zero bytes", bytes(4096), "NUL")
    yield manifest("escape", HEAD.encode() + b"spec:\n  sql: SELECT \x1b[31m 1\n", "control character")
    yield manifest("bell", HEAD.encode() + b"spec:\n  sql: SELECT \x07 1\n", "control character")
    yield manifest("delete", HEAD.encode() + b"spec:\n  sql: SELECT \x7f 1\n", "control character")
    yield manifest("form feed", HEAD.encode() + b"\x0cspec:\n  sql: SELECT 1\n", "control character")
    for name, data in {
        "lone continuation": b"\x80",
        "latin 1": "café".encode("latin-1"),
        "cut in a character": b"caf\xc3",
        "overlong slash": b"\xc0\xaf",
        "overlong NUL": b"\xc0\x80",
        "overlong three": b"\xe0\x80\xaf",
        "surrogate": b"\xed\xa0\x80",
        "pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "byte fe": b"a\xfe",
        "byte ff": b"a\xff",
    }.items():
        yield manifest(f"UTF-8 {name}", HEAD.encode() + b"spec:\n  description: " + data + b"\n  sql: SELECT 1\n", "UTF-8")
    yield manifest("UTF-16 little", (HEAD + "spec:\n" + SQL).encode("utf-16"), "UTF-16")
    yield manifest("UTF-16 big", b"\xfe\xff" + (HEAD + "spec:\n" + SQL).encode("utf-16-be"), "UTF-16")
    yield manifest("UTF-16 unmarked", (HEAD + "spec:\n" + SQL).encode("utf-16-le"), "NUL")
    yield manifest("UTF-32", (HEAD + "spec:\n" + SQL).encode("utf-32"), "")
    yield manifest("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03+I-.\x01\x00", "")
    yield manifest("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "")
    yield manifest("ELF", b"\x7fELF\x02\x01\x01\0", "")
    yield manifest("JSON list", "[1, 2, 3]", "map")
    yield manifest("a number", "42\n", "map")
    yield manifest("a text", "hello\n", "map")
    yield manifest("tab indents", HEAD + "spec:\n\tsql: SELECT 1\n", "tab")
    yield manifest("tab in a block", HEAD + "spec:\n  sql: |\n\t\tSELECT 1\n", "tab")
    yield manifest("mixed indents", HEAD + "spec:\n    sql: SELECT 1\n   description: x\n", "")
    yield manifest("open bracket", HEAD + "spec: [", "")
    yield manifest("open brace", HEAD + "spec: {sql: SELECT 1", "")
    yield manifest("open quote", HEAD + "spec: {sql: 'SELECT 1", "")
    yield manifest("open double quote", HEAD + 'spec: {sql: "SELECT 1', "")
    yield manifest("bad escape", HEAD + 'spec: {sql: "\\q"}', "")
    yield manifest("cut escape", HEAD + 'spec: {sql: "\\x4"}', "")
    yield manifest("escaped surrogate", HEAD + 'spec: {sql: "\\ud800"}', "")
    yield manifest("escaped NUL", HEAD + 'spec:\n  sql: "SELECT 1 \\0"\n', "")
    yield manifest("colon in a value", HEAD + "spec:\n  description: a: b: c\n" + SQL, "")
    yield manifest("at sign", HEAD + "spec:\n  description: @x\n" + SQL, "")
    yield manifest("backquote", HEAD + "spec:\n  description: `x`\n" + SQL, "")
    yield manifest("percent", HEAD + "spec:\n  description: %x\n" + SQL, "")
    yield manifest("question key", HEAD + "? [a]\n: b\nspec:\n" + SQL, "key must be text")
    yield manifest("map as key", HEAD + "{a: b}: c\nspec:\n" + SQL, "key must be text")
    yield manifest("null key", HEAD + "~: c\nspec:\n" + SQL, "key must be text")
    yield manifest("empty key", HEAD + "'': c\nspec:\n" + SQL, "unknown key")
    yield manifest("duplicate key", HEAD + "kind: DerivedDataset\nspec:\n" + SQL, "duplicate")
    yield manifest("duplicate in flow", HEAD.replace("{name: hostile", "{name: a, name: b") + "spec:\n" + SQL, "duplicate")
    yield manifest("duplicate by quotes", HEAD + "\"kind\": DerivedDataset\nspec:\n" + SQL, "duplicate")
    yield manifest("merge key", "base: &b {sql: SELECT 1}\n" + HEAD + "spec:\n  <<: *b\n", "merge key")
    yield manifest("merge list", "base: &b {sql: SELECT 1}\n" + HEAD + "spec:\n  <<: [*b, *b]\n", "merge key")
    yield manifest("alias without anchor", HEAD + "spec: *nowhere\n", "")
    yield manifest("alias to itself", HEAD + "spec: &s {sql: *s}\n", "alias")
    yield manifest("alias bomb", bomb + HEAD + "spec:\n" + SQL, "values")
    yield manifest("wide alias bomb", "a: &a [" + "x," * 9999 + "x]\n" + "b: [" + "*a," * 29 + "*a]\n", "values")
    for tag in (
        "!!python/object/apply:os.system [id]", "!!python/name:os.system", "!!java.lang.Runtime x", "!ruby/object:Gem x", "!!binary aGk=",
        "!!timestamp 2013-01-01", "!!set {a, b}", "!!omap [a: b]", "!!str x", "!<tag:yaml.org,2002:str> x", "!include /etc/passwd",
        "!env HOME",
    ):
        yield manifest(f"tag {tag.split()[0]}", HEAD + f"spec:\n  description: {tag}\n" + SQL, "tag")
    yield manifest("YAML 1.9", "%YAML 1.9\n---\n" + HEAD + "spec:\n  sql: 3\n", "")
    yield manifest("tag handle", "%TAG ! tag:evil,2000:\n---\n" + HEAD + "spec:\n  description: !x y\n" + SQL, "")
    yield manifest("text behind the end", HEAD + "spec:\n" + SQL + "...\nmore: text\n", "after the end")
    yield manifest("1001 documents", "---\na: 1\n" * 1001, "missing")
    yield manifest("template", "{{ include \"x\" . }}\n", "")
    yield manifest("conflict markers", "<<<<<<< HEAD\n" + HEAD + "=======\n>>>>>>> x\n", "")


def sizes():
    pad = HEAD + "spec:\n" + SQL
    yield manifest("4 MiB and a byte", pad + "#" * (FILE_BYTES_MAX + 1 - len(pad)), str(FILE_BYTES_MAX))
    yield manifest("50 MB", pad + "#" * (50_000_000 - len(pad)), str(FILE_BYTES_MAX))
    yield manifest("4 MiB of brackets", "[" * FILE_BYTES_MAX, "nested deeper")
    yield manifest("10000 levels", "[" * 10_000 + "]" * 10_000, "nested deeper")
    yield manifest("10000 maps", "{a: " * 10_000 + "x" + "}" * 10_000, "nested deeper")
    yield manifest("1000 indents", "".join(" " * n + "a:\n" for n in range(1000)), "nested deeper")
    yield manifest("levels at the limit", "a: " + "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1) + "\n", "missing")
    yield manifest("one level more", "a: " + "[" * DEPTH_MAX + "]" * DEPTH_MAX + "\n", "nested deeper")
    yield manifest("200001 values", "[" + "a," * 200_001 + "]", "values")
    yield manifest("one long line", "[" + "a, " * 150_000 + "b]", "map")
    yield manifest("a key of 1 MiB", HEAD + "k" * (1 << 20) + ": x\nspec:\n" + SQL, "")
    # YAML lets a plain key have 1024 characters.
    yield manifest("a key of 2000 characters", HEAD + "k" * 2000 + ": x\nspec:\n" + SQL, "not valid YAML")
    yield manifest("60000 unknown keys", HEAD + "spec:\n" + SQL + "".join(f"key{n}: 1\n" for n in range(60_000)), "unknown key")
    yield manifest("50000 duplicates", HEAD + "spec:\n" + SQL + "a: 1\n" * 50_000, "unknown key")
    yield manifest("a million line feeds", "\n" * 1_000_000 + "x", "map")
    yield manifest("SQL of a byte too much", HEAD + "spec:\n  sql: SELECT '" + "x" * (SQL_BYTES_MAX - 8) + "'\n", str(SQL_BYTES_MAX))
    yield manifest("SQL of 3 MB", HEAD + "spec:\n  sql: SELECT '" + "x" * 3_000_000 + "'\n", str(SQL_BYTES_MAX))
    yield manifest("100000 parameters used", HEAD + "spec:\n  sql: SELECT " + ":a, " * 100_000 + "1\n", ":a")
    yield manifest("1000 parameters declared", HEAD + "spec:\n" + SQL + "  params:\n"
                   + "".join(f"    p{n}: {{type: int, default: 1}}\n" for n in range(1000)), "parameters")
    yield manifest("5000 columns", HEAD + "spec:\n" + SQL + "  schema:\n    columns:\n"
                   + "".join(f"      - {{name: c{n}, type: int}}\n" for n in range(5000)), "columns")
    yield manifest("a name of 101 characters", HEAD.replace("hostile", "h" * 97) + "spec:\n" + SQL, "100")
    yield manifest("a type of 33 levels", HEAD + "spec:\n" + SQL + "  schema:\n    columns:\n      - {name: a, type: '"
                   + "array<" * 40 + "int" + ">" * 40 + "'}\n", "")
    yield manifest("201 datasets", "---\n".join(
        HEAD.replace("hostile", f"h{n}") + "spec:\n" + SQL for n in range(201)), "200")
    yield manifest("300 properties", HEAD + "spec:\n" + SQL + "  table:\n    properties:\n"
                   + "".join(f"      p{n}: x\n" for n in range(300)), "properties")


def types():
    """Every field with values of every wrong type."""
    text_fields = {
        "apiVersion": "apiVersion: {}\nkind: DerivedDataset\nmetadata: {name: h, namespace: lab}\nspec:\n" + SQL,
        "kind": "apiVersion: dcp/v1\nkind: {}\nmetadata: {name: h, namespace: lab}\nspec:\n" + SQL,
        "name": "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata:\n  name: {}\n  namespace: lab\nspec:\n" + SQL,
        "namespace": "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata:\n  name: h\n  namespace: {}\nspec:\n" + SQL,
        "sql": HEAD + "spec:\n  sql: {}\n",
        "sqlFile": HEAD + "spec:\n  sqlFile: {}\n",
        "description": HEAD + "spec:\n" + SQL + "  description: {}\n",
        "owner.team": HEAD + "spec:\n" + SQL + "  owner:\n    team: {}\n",
        "column name": HEAD + "spec:\n" + SQL + "  schema:\n    columns:\n      - name: {}\n        type: int\n",
        "column type": HEAD + "spec:\n" + SQL + "  schema:\n    columns:\n      - name: one\n        type: {}\n",
        "param type": HEAD + "spec:\n" + SQL + "  params:\n    p:\n      type: {}\n",
        "format": HEAD + "spec:\n" + SQL + "  table:\n    format: {}\n",
        "materialization": HEAD + "spec:\n" + SQL + "  materialization:\n    type: {}\n",
        "runtime.test": HEAD + "spec:\n" + SQL + "  runtime:\n    test: {}\n",
    }
    for field, template in text_fields.items():
        for kind, value in OTHER_TYPES.items():
            yield manifest(f"{field} is a {kind}", template.replace("{}", value), field.split(".")[-1].split()[-1])
    map_fields = {"metadata": "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {}\nspec:\n" + SQL, "spec": HEAD + "spec: {}\n",
                  "owner": HEAD + "spec:\n" + SQL + "  owner: {}\n", "params": HEAD + "spec:\n" + SQL + "  params: {}\n",
                  "schema": HEAD + "spec:\n" + SQL + "  schema: {}\n", "table": HEAD + "spec:\n" + SQL + "  table: {}\n"}
    for field, template in map_fields.items():
        for kind in ("list", "number", "nothing"):
            yield manifest(f"{field} is a {kind}", template.replace("{}", OTHER_TYPES[kind]), field)
    for kind in ("map", "number", "nothing"):
        yield spec(f"columns is a {kind}", SQL + f"  schema:\n    columns: {OTHER_TYPES[kind]}\n", "columns")
        yield spec(f"partitioning is a {kind}", SQL + f"  table:\n    partitioning: {OTHER_TYPES[kind]}\n", "partitioning")
    for value in ("yes", "no", "on", "1", "'true'", "[]", "~"):
        yield spec(f"nullable is {value}", SQL + f"  schema:\n    columns: [{{name: one, type: int, nullable: {value}}}]\n", "nullable")


def values():
    """The right type and a wrong value."""
    for name in ("Hostile", "1st", "a-b", "a b", "a.b", "über", "", "../x", "a/b", "drop table", "a;b", "ａ", "a\u200bb", "select'"):
        quoted = "'" + name.replace("'", "''") + "'"
        yield manifest(f"name {name!r}", HEAD.replace("name: hostile", f"name: {quoted}") + "spec:\n" + SQL, "name")
    for space in ("prod", "prod.lab", "Lab", "lab.", ".lab", "lab..x", "../lab", "lab/x", "", "lab\u00a0x"):
        yield manifest(f"namespace {space!r}", HEAD.replace("namespace: lab", f"namespace: '{space}'") + "spec:\n" + SQL, "name")
    for version in ("dcp/v2", "v1", "DCP/V1", "apps/v1", ""):
        yield manifest(f"apiVersion {version!r}", HEAD.replace("dcp/v1", f"'{version}'") + "spec:\n" + SQL, "apiVersion")
    for kind in ("Playground", "derivedDataset", "Pod", "", "DerivedDataset "):
        yield manifest(f"kind {kind!r}", HEAD.replace("DerivedDataset", f"'{kind}'") + "spec:\n" + SQL, "ind")
    for column in (
        "integr", "varchar(10)", "decimal(39,1)", "decimal(5,6)", "array<int", "map<int>", "struct<>", "struct<a>", "int int", "void",
        "interval", "tinyint", "smallint", "'array<array<'", "map<int,int", "char(3)", "variant", "object", "int;", "a>b",
    ):
        yield spec(f"column type {column}", SQL + f"  schema:\n    columns: [{{name: one, type: \"{column}\"}}]\n", "")
    for kind, default in (
        ("int", "x"), ("int", "2147483648"), ("int", "1.5"), ("int", "1; DROP TABLE t"), ("bigint", "9223372036854775808"),
        ("double", "one"), ("double", "1e999"), ("boolean", "yes"), ("date", "2013-02-30"), ("date", "today"), ("timestamp", "noon"),
        ("decimal(4,2)", "100.00"), ("decimal(4,2)", "1.234"), ("array<int>", "1"), ("binary", "1"), ("struct<a:int>", "1"),
        ("integer(3)", "1"), ("", "1"),
    ):
        yield spec(
            f"param {kind} = {default}",
            "  sql: SELECT :p AS one\n  params:\n    p: {type: \"" + kind + "\", default: \"" + default + "\"}\n", "",
        )
    for name in ("a b", "1a", "a-b", "ä", "", "a.b", "$"):
        yield spec(f"param name {name!r}", SQL + f"  params:\n    '{name}': {{type: int, default: 1}}\n", "param")
    for part in (
        "month(", "month()", "week(day)", "bucket(day)", "bucket(0, one)", "bucket(-1, one)", "bucket(99999999999, one)",
        "bucket(x, one)", "truncate(0, one)", "nope", "month(nope)", "identity(one)", "", "one; DROP", "month(one, two)",
    ):
        yield spec(
            f"partition {part!r}", SQL + f"  schema: {{columns: [{{name: one, type: int}}]}}\n  table: {{partitioning: [\"{part}\"]}}\n",
            "",
        )
    for key, value in (
        ("location", "file:///etc"), ("write.data.path", "file:///etc"), ("write.metadata.path", "s3://x/y"),
        ("write.object-storage.path", "/x"), ("provider", "parquet"), ("format-version", "1"), ("pretzel.playground", "other"),
    ):
        yield spec(f"property {key}", SQL + f"  table: {{properties: {{{key}: \"{value}\"}}}}\n", key)
    for key in ("inputs", "tests", "expectations", "policies", "diff", "lifecycle", "consumers"):
        yield spec(f"planned {key}", SQL + f"  {key}: []\n", key)
    for key in ("sq1", "SQL", "sql_file", "sparkConf", "privileged", "hostPath", "__proto__", "constructor"):
        yield spec(f"unknown {key}", SQL + f"  {key}: x\n", key)
    yield spec("neither sql nor sqlFile", "  description: x\n", "neither")
    yield spec("both sql and sqlFile", SQL + "  sqlFile: x.sql\n", "both")
    yield spec("a column twice", SQL + "  schema: {columns: [{name: one, type: int}, {name: ONE, type: int}]}\n", "twice")
    yield spec("a column without type", SQL + "  schema: {columns: [{name: one}]}\n", "type")
    yield spec("an empty column", SQL + "  schema: {columns: [{name: '', type: int}]}\n", "name")
    yield spec("no columns", SQL + "  schema: {columns: []}\n", "columns")
    yield manifest("the same dataset twice", (HEAD + "spec:\n" + SQL + "---\n") * 2, "twice")
    yield spec("reads itself", "  sql: SELECT * FROM prod.lab.hostile\n", "own output")


def all_cases():
    for part in (texts, sizes, types, values):
        yield from part()
