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
