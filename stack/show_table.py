# SPDX-License-Identifier: Apache-2.0
"""Prints rows of one table of the current playground, read by PyIceberg through the playground's own endpoint.

What `pretzel playground connect` prints is all a stock Iceberg client needs: an address, a token, production's name.
"""

import argparse
import hashlib
import json
import subprocess

from pyiceberg.catalog import load_catalog


def connect(playground: str | None) -> tuple[str, dict[str, str]]:
    """Name and properties of the playground's catalog; the token travels in a pipe, not in argv."""
    command = ["pretzel", "playground", "connect", "-o", "json"] + ([playground] if playground else [])
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return answer["catalog"], {
        "type": "rest",
        "uri": answer["uri"],
        "header.x-pretzel-token": answer["token"],
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }


def digest(table) -> str:
    """Of the rows, whatever their order in the files."""
    rows = sorted(json.dumps(row, default=str, sort_keys=True) for row in table.scan().to_arrow().to_pylist())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="namespace.table, without the catalog's name")
    parser.add_argument("--playground", help="default: the current one")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--digest", action="store_true", help="one line: how many rows, and a digest of them")
    arguments = parser.parse_args()
    name, properties = connect(arguments.playground)
    table = load_catalog(name, **properties).load_table(arguments.table)
    if arguments.digest:
        print(f"{name}.{arguments.table}: {table.scan().count()} rows, digest {digest(table)}")
        return
    rows = table.scan(limit=arguments.limit).to_arrow().to_pandas()
    print(f"{name}.{arguments.table}: {table.scan().count()} rows, snapshot {table.current_snapshot().snapshot_id}")
    print(rows.to_string(index=False))


if __name__ == "__main__":
    main()
