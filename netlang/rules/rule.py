"""What a diagnostic stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the language, as ``netlang explain`` tells it.

    ``bad`` is a small program that breaks this rule and no other, ``good`` one that keeps it;
    both are empty where the rule is about something else than the text of a program.
    """

    code: str
    title: str
    why: str
    bad: str = ""
    good: str = ""
