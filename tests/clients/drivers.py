# SPDX-License-Identifier: Apache-2.0
"""Drives one stock client of Python: drivers.py CLIENT, run by the environment that has it. One JSON command a line on stdin.

list NAMESPACE; read, create, drop TABLE (its columns: id bigint, name string); append TABLE ROWS. One answer a line on stdout:
{"answer": ...} or {"error": TEXT}. The catalog's address and token come in the environment, as `playground connect` prints them.
"""

import json
import os
import sys
from pathlib import Path

URI = os.environ["PRETZEL_CATALOG_URI"]
TOKEN = os.environ["PRETZEL_CATALOG_TOKEN"]


def columns(rows):
    return {"id": [row[0] for row in rows], "name": [row[1] for row in rows]}


class PyIceberg:
    def __init__(self):
        from pyiceberg.catalog import load_catalog

        self.catalog = load_catalog("prod", type="rest", uri=URI, token=TOKEN)

    def list(self, namespace):
        return [".".join(name) for name in self.catalog.list_tables(namespace)]

    def read(self, table):
        return [list(row.values()) for row in self.catalog.load_table(table).scan().to_arrow().to_pylist()]

    def arrow(self, rows):
        import pyarrow

        schema = pyarrow.schema([("id", pyarrow.int64()), ("name", pyarrow.string())])
        return pyarrow.table(columns(rows), schema=schema)

    def create(self, table):
        self.catalog.create_table(table, self.arrow([]).schema)

    def append(self, table, rows):
        self.catalog.load_table(table).append(self.arrow(rows))

    def drop(self, table):
        self.catalog.drop_table(table)


class Daft(PyIceberg):
    """Its catalogs are PyIceberg's; planning aside, it reads and writes the files itself."""

    def __init__(self):
        import daft
        from pyiceberg.catalog import load_catalog

        self.daft = daft
        self.catalog = daft.Catalog.from_iceberg(load_catalog("prod", type="rest", uri=URI, token=TOKEN))

    def list(self, namespace):
        return [str(name) for name in self.catalog.list_tables(namespace)]

    def read(self, table):
        return [list(row.values()) for row in self.catalog.get_table(table).read().to_pylist()]

    def create(self, table):
        types = self.daft.DataType
        schema = self.daft.Schema.from_pydict({"id": types.int64(), "name": types.string()})
        self.catalog.create_table(table, schema)

    def append(self, table, rows):
        self.catalog.get_table(table).append(self.daft.from_pydict(columns(rows)))


class DuckDB:
    def __init__(self):
        import duckdb

        self.connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("avro", "httpfs", "iceberg"):
            package = Path(__import__(f"duckdb_extension_{name}").__file__).parent
            (file,) = package.glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
            self.connection.load_extension(str(file))  # signed by DuckDB; an unsigned one would be refused
        self.run("CREATE SECRET playground (TYPE iceberg, TOKEN $token)".replace("$token", f"'{TOKEN}'"))
        self.run(f"ATTACH '' AS prod (TYPE iceberg, ENDPOINT '{URI}', SECRET playground)")

    def run(self, sql, rows=None):
        return self.connection.execute(sql, rows).fetchall()

    def list(self, namespace):
        found = self.run("SELECT table_name FROM duckdb_tables() WHERE database_name = 'prod' AND schema_name = ?", [namespace])
        return [f"{namespace}.{name}" for (name,) in found]

    def read(self, table):
        return [list(row) for row in self.run(f"SELECT * FROM prod.{table}")]

    def create(self, table):
        self.run(f"CREATE TABLE prod.{table} (id BIGINT, name VARCHAR)")

    def append(self, table, rows):
        places = ", ".join("(?, ?)" for _ in rows)
        self.run(f"INSERT INTO prod.{table} VALUES {places}", [value for row in rows for value in row])

    def drop(self, table):
        self.run(f"DROP TABLE prod.{table}")


def main():
    client = {"pyiceberg": PyIceberg, "daft": Daft, "duckdb": DuckDB}[sys.argv[1]]()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"answer": getattr(client, command.pop("do"))(**command)}
        except Exception as error:  # whatever a client raises is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
