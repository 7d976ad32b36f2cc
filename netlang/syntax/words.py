"""The words of the language, and words of other languages that people bring along."""

from __future__ import annotations

RESERVED = frozenset(
    "and as assert block dataset else extern false for from if import in net netlang new next "
    "none not op or scan state step then train true where with yield".split()
)

FOREIGN_VALUES = {"True": "true", "False": "false", "None": "none"}
