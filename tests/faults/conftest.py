# SPDX-License-Identifier: Apache-2.0
"""What tests of broken surroundings share with those of the whole program."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "integration"), str(Path(__file__).resolve().parent)]
