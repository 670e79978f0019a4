# SPDX-License-Identifier: Apache-2.0
"""A job with the promises of spark/coreetl.py and without Spark: it writes the rows of `SELECT id FROM range(N)` through the
playground's catalog, at most once for a run id, and outlives restarts of the catalog. It takes spark-submit's arguments, so the
real run backend submits it. It starts in one second rather than ten.
"""

import json
import os
import re
import sys
import time

RUN_ID_PROPERTY = "pretzel.run-id"
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.1


def properties(path):
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split("=", 1) for line in file)  # as the run backend writes them
        return {key: value.replace("\\\\", "\\") for key, value in pairs}


def snapshot_of(table, run_id):
    return next((s for s in table.metadata.snapshots if s.summary and s.summary.additional_properties.get(RUN_ID_PROPERTY) == run_id), None)


def write(settings, spec):
    import pyarrow
    from pyiceberg.catalog import load_catalog

    catalog, _, name = spec["table"].partition(".")
    prefix = f"spark.sql.catalog.{catalog}."
    table = load_catalog(catalog, **{
        "type": "rest", "uri": settings[prefix + "uri"], "header.x-pretzel-token": settings[prefix + "header.x-pretzel-token"],
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }).load_table(name)
    found = snapshot_of(table, spec["run_id"])
    if found is None:
        rows = int(re.search(r"range\((\d+)\)", spec["sql"]).group(1))
        table.append(pyarrow.table({"id": list(range(rows))}), snapshot_properties={RUN_ID_PROPERTY: spec["run_id"]})
        return snapshot_of(table.refresh(), spec["run_id"]), False
    return found, True


def main():
    arguments = sys.argv[1:]
    with open(arguments[arguments.index("--spec") + 1], encoding="utf-8") as file:
        spec = json.load(file)
    settings = properties(arguments[arguments.index("--properties-file") + 1])
    with open("light-starts", "a", encoding="utf-8") as starts:
        starts.write(f"{os.getpid()}\n")
    print(f"==> run {spec['run_id']}: {spec['table']}", file=sys.stderr, flush=True)
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            snapshot, already = write(settings, spec)
            break
        except Exception as error:  # the catalog is gone with the daemon, and comes back with the next one
            print(f"==> trying again: {error}", file=sys.stderr, flush=True)
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE_SECONDS)
    result = {
        "state": "SUCCEEDED", "run_id": spec["run_id"], "attempt": spec["attempt"], "error": None, "spark_version": "none",
        "rows": int(snapshot.summary.additional_properties["added-records"]), "snapshot_id": snapshot.snapshot_id,
        "already_written": already, "seconds": {"total": 1.0},
    }
    with open(spec["result_file"] + ".new", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.rename(spec["result_file"] + ".new", spec["result_file"])


if __name__ == "__main__":
    main()
