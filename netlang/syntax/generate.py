# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Writes the parse tables of the grammar as data: ``python -m netlang.syntax.generate``.

The only module that needs lark: the language is stated once, in its grammar, and whoever only
reads programs needs no more than the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.lexer import PatternStr, TerminalDef

from netlang.syntax.build import Builder
from netlang.syntax.grammar import OPTIONS, grammar_text

TABLES = Path(__file__).with_name("_tables.py")
_WIDTH = 99


def tables() -> str:
    """Give the text of the module ``_tables``."""
    parser = Lark(grammar_text(), **OPTIONS)
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    found = _canonical(data["parser"]["parser"])
    names = found["tokens"]
    actions = [action for state in found["states"].values() for action in state.values()]
    used = {action["@"] for reduces, action in actions if reduces}
    numbers = {n: i for i, n in enumerate(sorted(used, key=lambda n: _rule_key(memo[n])))}
    terminals = parser.parser.lexer.root_lexer.terminals  # pyright: ignore
    fixed = {t.name: t.pattern.value for t in terminals if isinstance(t.pattern, PatternStr)}
    states = [
        {names[n]: ~numbers[a["@"]] if reduces else a for n, (reduces, a) in state.items()}
        for state in found["states"].values()
    ]
    rules = [_rule(memo[n]) for n in numbers]
    (end_state,) = found["end_states"].values()
    return "\n".join([
        "# Written by `python -m netlang.syntax.generate` from grammars/netlang.lark.",
        "# fmt: off",
        "# ruff: noqa: E501",
        '"""The parse tables of the grammar."""\n',
        "TERMINALS = (",
        *(f"    ({t.name!r}, {t.pattern.to_regexp()!r})," for t in terminals),
        ")",
        '"""Each kind of token and its pattern, in the order in which they are tried."""\n',
        *_lines("FIXED = {", (f"{n!r}: {text!r}" for n, text in fixed.items()), "}"),
        '"""The text of each kind of token that has only one."""\n',
        *_lines("KEYWORDS = {", (f"{v!r}: {n!r}" for n, v in fixed.items() if v.isalpha()), "}"),
        f"IGNORED = frozenset({sorted(parser.ignore_tokens)!r})",
        "RULES = (",
        *(f"    {rule!r}," for rule in rules),
        ")",
        '"""Each rule: its method, its symbol, the count of its parts, whether one is itself,',
        'and where they go: ``None`` for a missing one, ``(i,)`` for a row of them."""\n',
        f"END_STATE = {end_state}",
        "STATES: tuple[dict[str, int], ...] = (",
        *(line for state in states for line in _lines(
            "    {", (f"{n!r}: {a}" for n, a in state.items()), "},")),
        ")",
        '"""What each state does at a symbol: go to a state, or apply rule ``~n``."""\n',
    ])  # fmt: skip


def _rule_key(rule: dict[str, Any]) -> tuple[str, list[str], str]:
    return rule["origin"]["name"], [s["name"] for s in rule["expansion"]], rule["alias"] or ""


def _rule(rule: dict[str, Any]) -> tuple[object, ...]:
    """Say what the builder is to be called with when a rule ends."""
    origin, expansion = rule["origin"]["name"], rule["expansion"]
    single = rule["options"]["expand1"] and rule["alias"] is None
    method = rule["alias"] or origin
    # A rule that lark makes for a repetition gives a row of parts, which another rule takes in.
    if not (hasattr(Builder, method) or origin.startswith("_") or (single and len(expansion) == 1)):
        raise ValueError(f"the builder has no method for `{method}`")
    missing = rule["options"]["empty_indices"] or [False] * len(expansion)
    parts = iter(range(len(expansion)))
    plan: list[object] = []
    for absent in missing:
        if absent:
            plan.append(None)
            continue
        i = next(parts)
        row = expansion[i]["__type__"] == "NonTerminal" and expansion[i]["name"].startswith("_")
        plan.append((i,) if row else i)
    kept = None if plan == list(range(len(expansion))) else tuple(plan)
    return method, origin, len(expansion), single, kept


def _canonical(parser: dict[str, Any]) -> dict[str, Any]:
    """Number symbols by name and states in the order of reaching them; lark's order is chance."""
    names: dict[int, str] = parser["tokens"]
    numbers = {name: number for number, name in enumerate(sorted(names.values()))}
    starts: dict[str, int] = parser["start_states"]
    ends: dict[str, int] = parser["end_states"]
    old: dict[int, dict[int, Any]] = parser["states"]
    order = list(starts.values())
    for state in order:
        for _, (reduces, target) in _by_name(old[state], names):
            if not reduces and target not in order:
                order.append(target)
    new = {state: number for number, state in enumerate(order)}

    def action(reduces: int, target: Any) -> list[Any]:
        return [reduces, target if reduces else new[target]]

    return {
        "tokens": {number: name for name, number in numbers.items()},
        "states": {
            new[state]: {numbers[names[n]]: action(*a) for n, a in _by_name(old[state], names)}
            for state in order
        },
        "start_states": {name: new[state] for name, state in starts.items()},
        "end_states": {name: new[state] for name, state in ends.items()},
    }


def _by_name(actions: dict[int, Any], names: dict[int, str]) -> list[tuple[int, Any]]:
    return sorted(actions.items(), key=lambda item: names[item[0]])


def _lines(head: str, items: Iterable[str], tail: str) -> list[str]:
    """Lay items out between a head and a tail, as many in a line as fit."""
    margin = re.match(" *", head)[0]  # pyright: ignore
    lines, line = list[str](), head
    for item in items:
        piece = f"{item},"
        if len(line) + 1 + len(piece) + len(tail) > _WIDTH:
            lines.append(line)
            line = f"{margin} {piece}"
        else:
            line += piece if line.endswith(("{", "(")) else f" {piece}"
    return [*lines, line + tail]


if __name__ == "__main__":
    TABLES.write_text(tables(), encoding="utf-8")
