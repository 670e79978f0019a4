# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder and its conftest.py both name: there is more than one module called conftest."""

import pytest

AIRLINES = [[1, "Endeavor Air"], [2, "American Airlines"], [3, "Alaska Airlines"]]  # nyc.airlines of production
KIT_SUMMARY = pytest.StashKey[str]()
