"""Two mutations of a program are two errors, and fixing what an error says adds no other."""

from __future__ import annotations

import time

import pytest
from syntax_mutations import Outcome, corpus, errors, outcomes

from netlang.diagnostics.fix import apply
from netlang.diagnostics.render import render

BUILT_ON, HELD_OUT = corpus()
HALVES = pytest.mark.parametrize("texts", [BUILT_ON, HELD_OUT], ids=["built on", "held out"])


def shown(outcome: Outcome) -> str:
    program = outcome.program
    return "\n".join(
        [
            f"{program.mutations} on lines {program.lines}:",
            program.text,
            *map(render, outcome.found),
        ]
    )


def inexact(first: int, count: int, texts: tuple[str, ...], mutations: int) -> list[str]:
    return [shown(o) for o in outcomes(first, count, texts, mutations) if not o.is_exact]


@HALVES
def test_two_mutations_are_two_errors(texts: tuple[str, ...]) -> None:
    assert len(inexact(0, 100, texts, 2)) <= 5


@pytest.mark.slow
@HALVES
@pytest.mark.parametrize("seed", range(1, 5))
def test_two_mutations_are_two_errors_in_95_of_100_programs(
    seed: int, texts: tuple[str, ...]
) -> None:
    assert len(inexact(100_000 * seed, 1000, texts, 2)) <= 50


@pytest.mark.slow
@HALVES
def test_a_mutation_is_one_error_and_three_are_three(texts: tuple[str, ...]) -> None:
    assert len(inexact(0, 500, texts, 1)) <= 15
    assert len(inexact(0, 500, texts, 3)) <= 35


@HALVES
def test_a_fix_of_one_leaves_the_errors_of_the_other(texts: tuple[str, ...]) -> None:
    wrong = [left for o in outcomes(0, 100, texts, 2) for left in unfixed(o)]
    assert wrong == []


@pytest.mark.slow
@HALVES
def test_a_fix_leaves_no_other_error_in_99_of_100_programs(texts: tuple[str, ...]) -> None:
    """A bracket may be missing before the last place where it fits, or too many elsewhere."""
    wrong = [left for o in outcomes(7_000, 1000, texts, 1) for left in unfixed(o)]
    assert len(wrong) <= 10


def unfixed(outcome: Outcome) -> list[str]:
    """Return the fixes that leave their error in a program, or lead to another one.

    An error that was not reported before, which other tests count, may appear after a fix.
    """
    text, made = outcome.program.text, len(outcome.program.mutations)
    return [
        f"{fix.title}\n{shown(outcome)}"
        for error in outcome.found
        for fix in error.fixes
        if len(errors(apply(text, fix))) >= max(made, len(outcome.found))
    ]


def long_program(lines: int, wrong: int) -> str:
    kinds = ("conv(x, 3 3)", "(x", "x)", "x +", "x >> relu", "'x'", "= x", "x if 1 else x", "x[0")
    text = ["net Long(x: f32[N, 8]) -> y: f32[N, 8] {"]
    for number in range(lines):
        mutation = wrong and number % (lines // wrong) == 7
        value = kinds[number % len(kinds)] if mutation else "conv(x, 16, 3, pad=1) |> relu"
        text.append(f"  a{number} = {value}")
    return "\n".join([*text, "  y = x", "}", ""])


def test_errors_are_found_in_time_linear_in_the_length_of_a_program() -> None:
    assert len(errors(long_program(5_000, 50))) == 50
    assert seconds(5_000, 50) < 4 * seconds(5_000, 1) + 0.5


def seconds(lines: int, wrong: int) -> float:
    text = long_program(lines, wrong)
    start = time.process_time()
    errors(text)
    return time.process_time() - start
