"""What is written around an offset, read off the text: what is being typed does not parse."""

from __future__ import annotations

import re
from itertools import pairwise

from msgspec import Struct

_WORD = re.compile(r"[A-Za-z_]\w*$")
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)")
_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*(?:[A-Za-z_]\w*)?$")
_STAGE = re.compile(r"\|>\s*$")
_NEW = re.compile(r"\bnew\s+$")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"?')


class Call(Struct, frozen=True):
    """The call around an offset: what is called, with what before the argument that is typed.

    ``start`` is where its name begins. ``taken`` counts the arguments without a name, and what is
    piped into the call; ``argument`` is the name of the one that is typed, ``""`` without one.
    """

    callee: str
    start: int
    new: bool
    taken: int
    named: frozenset[str]
    argument: str


def call_around(text: str, offset: int) -> Call | None:
    """Return the innermost call whose parentheses an offset is in."""
    before = _STRING.sub(lambda found: '"' * len(found[0]), text[:offset])
    at, commas = _opening(before)
    if at is None:
        return None
    head = before[:at].rstrip()
    callee = _WORD.search(head)
    if callee is None:
        return None
    bounds = [at, *commas, offset]
    *done, last = (before[a + 1 : b] for a, b in pairwise(bounds))
    names = [named[1] if (named := _NAMED.match(each)) else "" for each in done]
    stage = head[: callee.start()]
    current = _NAMED.match(last)
    return Call(
        callee[0],
        callee.start(),
        _NEW.search(stage) is not None,
        names.count("") + (_STAGE.search(stage) is not None),
        frozenset(filter(None, names)),
        current[1] if current is not None else "",
    )


def _opening(before: str) -> tuple[int | None, list[int]]:
    """Return where the parenthesis of a call is open, and the commas between its arguments."""
    depth, at, commas = 0, len(before) - 1, list[int]()
    while at >= 0 and before[at] not in "{};":
        match before[at]:
            case ")" | "]":
                depth += 1
            case "(" | "[" if depth > 0:
                depth -= 1
            case "(":
                return at, commas[::-1]
            case "[":
                # In a list within a call the items have no names.
                return None, []
            case "," if depth == 0:
                commas.append(at)
            case _:
                pass
        at -= 1
    return None, []


def setting_of(text: str, offset: int) -> str:
    """Return the setting whose value begins at an offset, ``""`` if none does."""
    found = _SETTING.match(text[text.rfind("\n", 0, offset) + 1 : offset])
    return "" if found is None else found[1]


def piped_name(text: str, offset: int) -> str | None:
    """Return the name that the pipeline is bound to of which a stage begins at an offset.

    That is ``""`` for a pipeline without a name; ``None`` where no stage begins.
    """
    if _STAGE.search(_WORD.sub("", text[:offset])) is None:
        return None
    lines = text[:offset].split("\n")
    while len(lines) > 1 and lines[-1].lstrip().startswith("|>"):
        lines.pop()
    found = _NAMED.match(lines[-1])
    return "" if found is None else found[1]
