"""What the cells of a table may be."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
TRUTH = {"0": 0, "1": 1, "false": 0, "true": 1}
NOT_NUMBERS = ("nan", "na", "n/a", "null", "none", "")
"""The notations of a missing value, in lower case."""
