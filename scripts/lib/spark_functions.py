#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The functions of a running Spark beside those that are judged (plugins/spark_sql/functions.tsv), to help an update of Spark.

    spark_functions.py sc://HOST:PORT/;token=TOKEN [CATALOG]

Prints a line in the form of functions.tsv for each function that nobody has judged, with Spark's own description as the reason
and no judgement: read what it does, write one, and put the line into its place. Then what is judged and gone, and the words of
the grammar that keywords.txt lacks or has too many. CATALOG is the name of a mounted Iceberg catalog, default prod.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "plugins" / "spark_sql"
COLUMNS = {"functions.tsv": ("name", "where", "judgement", "checks", "why"), "options.tsv": ("family", "key", "judgement", "why")}
# sql_keywords() leaves out words that share a token with another one.
UNLISTED_WORDS = {"REGEXP", "RLIKE", "TEMP", "TEMPORARY"}


def lines(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_table(name):
    return [dict(zip(COLUMNS[name], line.split("\t"), strict=True)) for line in lines(name)]


def words():
    return set(lines("keywords.txt"))


def of_session(session, catalog):
    """What the Spark behind a session has: functions, those of the catalog, words of the grammar."""
    prefix = f"{catalog}.system."
    own = {row[0] for row in session.sql(f"SHOW USER FUNCTIONS IN {catalog}.system").collect()}
    return {
        "version": session.version,
        "functions": {row[0] for row in session.sql("SHOW SYSTEM FUNCTIONS").collect()},
        "catalog": {name.removeprefix(prefix) for name in own},
        "words": {row[0] for row in session.sql("SELECT keyword FROM sql_keywords()").collect()},
    }


def described(session, name):
    text = " ".join(row[0] for row in session.sql(f"DESCRIBE FUNCTION `{name}`").collect())
    return " ".join(text.partition("Usage:")[2].split())


def main(arguments):
    if not 1 <= len(arguments) <= 2 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(arguments[0]).create()
    found = of_session(session, arguments[1] if len(arguments) > 1 else "prod")
    judged = read_table("functions.tsv")
    own = {line["name"] for line in judged if line["where"] in ("expression", "table", "both")}
    of_catalog = {line["name"] for line in judged if line["where"] == "catalog"}
    for name in sorted(found["functions"] - own):
        print("\t".join((name, "expression", "?", "-", described(session, name))))
    for name in sorted(found["catalog"] - of_catalog):
        print("\t".join((name, "catalog", "?", "-", "")))
    for name in sorted((own - found["functions"]) | (of_catalog - found["catalog"])):
        print(f"# gone: {name}")
    for word in sorted(found["words"] ^ (words() - UNLISTED_WORDS)):
        print(f"# keywords.txt {'lacks' if word in found['words'] else 'has too many'}: {word}")
    session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
