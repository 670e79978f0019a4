# SPDX-License-Identifier: Apache-2.0
"""Plain PySpark, nothing of ours: queries over an Iceberg catalog by name; by name, each one's rows, sorted. The oracle of the tests."""

import datetime
import decimal
import json
import sys

from pyspark.sql import SparkSession


def plain(value):
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def main():
    request = json.load(sys.stdin)
    prefix = "spark.sql.catalog.prod"
    builder = SparkSession.builder.master("local[2]")
    for key, value in {
        "spark.driver.extraClassPath": request["jar"],
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.catalogImplementation": "in-memory",
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.type": "rest",
        f"{prefix}.uri": request["uri"],
        f"{prefix}.rest.auth.type": "none",
        f"{prefix}.header.{request['header']}": request["token"],
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    answers = {
        name: sorted(json.dumps([plain(value) for value in row]) for row in spark.sql(sql).collect())
        for name, sql in request["queries"].items()
    }
    print(json.dumps(answers))
    spark.stop()


main()
