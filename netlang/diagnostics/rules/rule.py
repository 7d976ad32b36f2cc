"""The record of a rule: what a diagnostic is an instance of."""

from __future__ import annotations

from inspect import cleandoc

from msgspec import Struct
from msgspec.structs import force_setattr


class Rule(Struct, frozen=True):
    """A rule of the language, as ``netlang explain`` prints it.

    ``bad`` is a small program that breaks this rule and no other, ``good`` one that follows it.
    If ``program`` is false, the rule is not about the text of a program, and both describe a
    situation.
    """

    code: str
    title: str
    why: str
    bad: str
    good: str
    program: bool = True

    def __post_init__(self) -> None:
        for name in ("why", "bad", "good"):
            force_setattr(self, name, cleandoc(getattr(self, name)))


def example(*lines: str) -> str:
    """Return a small net with these lines as its body."""
    body = "".join(f"  {line}\n" for line in lines)
    return f"net Small(x: f32[N, 8]) -> y: f32[N, 8] {{\n{body}}}\n"


def example_after(first: str, value: str) -> str:
    """Return a small net of one value, after a definition."""
    return f"{first}\n\nnet Small(x: f32[N, 8]) -> y: f32[N, 8] = {value}\n"


GOOD_EXAMPLE = example("y = relu(x)")
