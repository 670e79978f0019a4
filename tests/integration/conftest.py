# SPDX-License-Identifier: Apache-2.0
"""The real parts of tests/spark, for tests of programs that talk to them."""

import importlib.util
import sys
from pathlib import Path

SPARK_TESTS = Path(__file__).resolve().parents[1] / "spark"
sys.path.insert(0, str(SPARK_TESTS))

_spec = importlib.util.spec_from_file_location("spark_conftest", SPARK_TESTS / "conftest.py")
_spark = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_spark)

production = _spark.production
connect = _spark.connect


def pytest_configure(config):
    config.addinivalue_line("markers", "spark: needs the real Spark and catalogs that scripts/lib/setup.sh installs")
