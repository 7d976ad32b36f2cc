"""Makes errors in correct programs, applies each fix that is offered, and checks again.

Run as ``python repairs.py FIRST COUNT`` it prints, for each kind of error, how many errors there
were, how many had a fix, and what the fixes led to; ``--show KIND`` prints the answers in full.
Of the first 5,000 numbers, 4,877 give an error: 3,561 of these (73 %) had a fix when this was
recorded, which restored the program in 3,264; of the fixes for kinds whose repair is not guessed,
31 led to another error.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

from msgspec import Struct
from originals import Original, check, meaning, originals
from wrong_programs import KINDS

from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import Fix, apply
from netlang.diagnostics.render import render

TRIES = 60
"""The programs that are tried for an error before its number is given up."""

RESTORED, CLEARED, OTHER = "restored", "cleared", "other network"
REMAINS, ADDS = "error remains", "another error"
"""The outcomes: ``cleared`` where the program has more errors, which the fix is not about."""


class Wrong(Struct, frozen=True):
    """A program with one error, and the messages about it."""

    kind: str
    original: Original
    text: str
    found: Sequence[Diagnostic]


class Repair(Struct, frozen=True):
    """What a fix led to: one of the outcomes, and the text of the program with it."""

    diagnostic: Diagnostic
    fix: Fix
    outcome: str
    text: str


def wrong_program(number: int) -> Wrong | None:
    """Return the program of a number: the same one on every machine."""
    draw = Random(number)
    kind = KINDS[number % len(KINDS)]
    for original in draw.sample(originals(), k=min(TRIES, len(originals()))):
        text = kind(original, draw)
        if text is None or text == original.text:
            continue
        found = check(original.path, text).diagnostics.sorted()
        if found:
            return Wrong(kind.__name__, original, text, found)
    return None


def repairs(wrong: Wrong) -> list[Repair]:
    """Apply each fix by itself."""
    return [Repair(d, fix, *_outcome(wrong, d, fix)) for d in wrong.found for fix in d.fixes]


def _outcome(wrong: Wrong, diagnostic: Diagnostic, fix: Fix) -> tuple[str, str]:
    path = wrong.original.path
    if any(Path(edit.span.source.name) != path for edit in fix.edits):
        return OTHER, wrong.text
    text = apply(wrong.text, fix)
    if text == wrong.original.text:
        return RESTORED, text
    program = check(path, text)
    before, after = _messages(wrong.found), _messages(program.diagnostics.sorted())
    key = (diagnostic.rule.code, diagnostic.message)
    if after[key] >= before[key]:
        return REMAINS, text
    if after - before:
        return ADDS, text
    if after:
        return CLEARED, text
    return (RESTORED if meaning(program) == wrong.original.meaning else OTHER), text


def _messages(found: Sequence[Diagnostic]) -> Counter[tuple[str, str]]:
    return Counter((d.rule.code, d.message) for d in found)


def main(first: int, count: int, shown: str) -> None:
    """Print a table, and the answers of one kind."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for number in range(first, first + count):
        wrong = wrong_program(number)
        if wrong is None:
            continue
        row = table[wrong.kind]
        row["errors"] += 1
        made = repairs(wrong)
        row["with a fix"] += bool(made)
        for outcome in {repair.outcome for repair in made}:
            row[outcome] += 1
        if (
            shown == wrong.kind
            or shown == "all"
            or (shown == "bad" and {r.outcome for r in made} - {RESTORED, CLEARED})
        ):
            print(f"===== {number} {wrong.kind}")
            print("\n".join(map(render, wrong.found[:3])))
            for repair in made:
                print(f"--- {repair.outcome}: {repair.fix.title!r}")
    columns = ("errors", "with a fix", RESTORED, CLEARED, OTHER, REMAINS, ADDS)
    print(f"{'':24}", *(f"{column:>13}" for column in columns))
    for kind, row in [*sorted(table.items()), ("all", sum(table.values(), Counter()))]:
        print(f"{kind:24}", *(f"{row[column]:13}" for column in columns))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4] if len(sys.argv) > 4 else "")
