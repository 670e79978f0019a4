# SPDX-License-Identifier: Apache-2.0
"""Reads the example manifests for the oracle, independently of our own reader."""

import re
from pathlib import Path

import strictyaml.ruamel as ruamel


def load(path):
    return ruamel.safe_load(Path(path).read_text(encoding="utf-8"))


def sql(path):
    spec = load(path)["spec"]
    return spec["sql"] if "sql" in spec else (Path(path).parent / spec["sqlFile"]).read_text(encoding="utf-8")


def bound_sql(path):
    """The SQL with its parameters' defaults as literals, which is what binding them means."""
    text = sql(path).rstrip().rstrip(";")
    for name, parameter in (load(path)["spec"].get("params") or {}).items():
        default, kind = str(parameter["default"]), parameter["type"]
        literal = default if kind in ("int", "bigint", "double", "boolean") else f"CAST('{default}' AS {kind})"
        text = re.sub(rf":{name}\b", literal, text)
    return text
