"""Rules of the syntax that the grammar cannot express, checked while the tree is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Unpack

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label, Parts, diagnostic
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Source, Span
from netlang.diagnostics.suggestions import Suggestion, renaming
from netlang.syntax import ast
from netlang.syntax.keywords import FOREIGN_VALUES, PREDEFINED, RESERVED, capitalized


class Checks:
    """Collects the errors in the parts of one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def report(
        self, rule: Rule, message: str, span: Span, text: str = "", **parts: Unpack[Parts]
    ) -> None:
        self.found.append(diagnostic(rule, message, span, text, **parts))

    # ---- names -----------------------------------------------------------------------

    def not_python(self, name: ast.Name) -> None:
        """Check that ``True``, ``False`` and ``None`` are written in lowercase."""
        if (ours := FOREIGN_VALUES.get(name.text)) is not None:
            self.report(
                rules.FOREIGN_KEYWORD,
                f"netlang writes `{name.text}` as `{ours}`",
                name.span,
                helps=(f"write `{ours}`",),
                fixes=renaming(name.span, ours),
            )

    def capital(self, name: ast.Ident, what: str) -> None:
        """Check that the name of a net or a dimension starts with a capital letter."""
        if "A" <= name.text[0] <= "Z" or name.text in RESERVED:
            return
        self.report(
            rules.CAPITAL_NAME,
            f"the name of {_a(what)} starts with a capital letter",
            name.span,
            f"`{name.text}` would be the name of a value, a block or an op",
            helps=(f"call it `{capitalized(name.text) or 'Net'}`",),
        )

    def small(self, name: ast.Ident, what: str) -> None:
        """Check that the name of anything else starts with a small letter."""
        first = name.text[0]
        if not "A" <= first <= "Z":
            return
        upper = name.text.isupper()
        better = name.text.lower() if upper else first.lower() + name.text[1:]
        if better in RESERVED:
            better += "1"
        self.report(
            rules.CAPITAL_NAME,
            f"the name of {_a(what)} starts with a small letter",
            name.span,
            "a capital would make it a net or a dimension",
            helps=(f"call it `{better}`",),
        )

    def distinct(self, names: Iterable[ast.Ident], what: str) -> None:
        """Check that no two parameters, and no two outputs, share a name."""
        seen: dict[str, Span] = {}
        for name in names:
            if name.text in seen and name.text != "_":
                self.report(
                    rules.DUPLICATE_PARAMETER,
                    f"this signature has two {what}s called `{name.text}`",
                    name.span,
                    "and the second is here",
                    secondary=(Label(seen[name.text], "the first is here"),),
                    helps=("give one of them another name",),
                )
            seen.setdefault(name.text, name.span)

    # ---- layout ----------------------------------------------------------------------

    def own_lines(self, nodes: Sequence[ast.Statement | ast.Declaration | ast.Step]) -> None:
        """Check that each statement starts its own line."""
        text = self.source.text
        for before, node in pairwise(nodes):
            if text.find("\n", before.span.end, node.span.start) >= 0:
                continue
            self.report(
                rules.TWO_STATEMENTS,
                "each statement starts its own line",
                _first_word(node.span),
                "this statement shares a line with the one before it",
                secondary=(Label(Span(self.source, before.span.end - 1, before.span.end),
                                 "which ends here"),),
                helps=("start a new line before it",),
                fixes=(_line_break(Span(self.source, before.span.end, node.span.start)),),
            )  # fmt: skip

    def on_line(self, callee: Span, bracket: Span, what: str) -> None:
        """Check that the bracket of a call or an index is on the line of its operand."""
        if self.source.text.find("\n", callee.end, bracket.start) < 0:
            return
        word = callee.text if len(callee.text) <= 30 and "\n" not in callee.text else "it"
        named = f"`{word}`" if word != "it" else word
        self.report(
            rules.LOOSE_BRACKET,
            f"this `{bracket.text}` belongs to the line before it",
            bracket,
            f"this would {what} {named}, which ends on another line",
            secondary=(Label(Span(self.source, callee.end - 1, callee.end), "it ends here"),),
            helps=(f"put the `{bracket.text}` right after {named}",),
            fixes=_joining(Span(self.source, callee.end, bracket.start)),
        )

    # ---- calls and signatures --------------------------------------------------------

    def arguments(self, args: Sequence[ast.Argument]) -> None:
        """Check that named arguments follow the positional ones, each once."""
        named: dict[str, ast.Argument] = {}
        for at, arg in enumerate(args):
            if arg.name is None:
                if named:
                    last = list(named.values())[-1]
                    self.report(
                        rules.POSITIONAL_AFTER_NAMED,
                        "positional arguments come before the named ones",
                        arg.span,
                        "this one has no name",
                        secondary=(Label(last.span, "but this one before it has"),),
                        **_unnamed(args, at),
                    )
                    return
            elif arg.name.text in named:
                self.report(
                    rules.DUPLICATE_ARGUMENT,
                    f"`{arg.name.text}` is given twice",
                    arg.span,
                    "given again here",
                    secondary=(Label(named[arg.name.text].span, "first given here"),),
                    helps=("remove one of the two",),
                )
            else:
                named[arg.name.text] = arg

    def stars(self, stars: Sequence[Span], *, last: bool) -> None:
        """Check that ``*`` is once in a signature, with parameters after it."""
        if len(stars) > 1:
            self.report(
                rules.STRAY_STAR,
                "a signature has one `*`",
                stars[1],
                "this is the second",
                secondary=(Label(stars[0], "the first is here"),),
                helps=("remove the second: everything after the first `*` is named already",),
            )
        elif last:
            self.report(
                rules.STRAY_STAR,
                "nothing follows this `*`",
                stars[0],
                "the parameters after `*` can only be given by name",
                helps=("remove it, or add a parameter after it",),
            )

    # ---- bodies ----------------------------------------------------------------------

    def loop(self, loop: ast.For) -> None:
        """Check that each carried value has one ``next``, and that the loop has no ``state``."""
        carried = {carry.name.text: carry.name for carry in loop.carries}
        self._nexts(
            loop.body,
            carried,
            lambda name: (
                f"`{name}` is carried from iteration to iteration, but never gets its next value",
                "carried from here",
                f"add `next {name} = …` to the body, or take `{name}` out of `with`",
            ),
            lambda name: (
                f"this loop does not carry `{name}`",
                f"only a name after `with` can have a next value: `with {name} = …`",
            ),
        )
        for state in (s for s in loop.body if isinstance(s, ast.State)):
            self.report(
                rules.MISPLACED_STATE,
                f"a `{loop.kind}` has no `state`",
                _first_word(state.span),
                "a state belongs to a whole net",
                helps=(f"carry the value instead: `with {state.name.text} = …`",),
            )
        self._one_yield(loop)

    def _one_yield(self, loop: ast.For) -> None:
        yields = [s for s in loop.body if isinstance(s, ast.Yield)]
        if len(yields) > 1:
            self.report(
                rules.TWO_YIELDS,
                f"an iteration of a `{loop.kind}` yields one value",
                _first_word(yields[1].span),
                "this is the second `yield`",
                secondary=(Label(_first_word(yields[0].span), "the first is here"),),
                helps=("yield a list or a tuple of both: `yield (a, b)`",),
            )

    def body(self, kind: str, statements: Sequence[ast.Statement]) -> None:
        """Check that each state has one ``next``, and that there is no ``yield``."""
        states = {s.name.text: s.name for s in statements if isinstance(s, ast.State)}
        own = "" if kind == "optimizer" else ": f32[…]"
        self._nexts(
            statements,
            states,
            lambda name: (
                f"the state `{name}` never gets its next value",
                "this state would stay the same for ever",
                f"add `next {name} = …` to the body",
            ),
            lambda name: (
                f"`{name}` is not a state of this {kind}",
                f"only `weight` and states have a next value: call this one `{name}_kept`"
                if name in PREDEFINED.get(kind, ())
                else f"declare it first: `state {name}{own} = 0.0`; in a loop: `with {name} = …`",
            ),
            frozenset({"weight"} if kind == "optimizer" else ()),
        )
        self._misplaced(kind, statements)

    def _misplaced(self, kind: str, statements: Sequence[ast.Statement]) -> None:
        """Report each `yield`, and each `state` where this kind of body has none."""
        for statement in statements:
            match statement:
                case ast.Yield():
                    self.report(
                        rules.STRAY_YIELD,
                        "`yield` stands in a `for` or a `scan`",
                        _first_word(statement.span),
                        f"this is the body of {_a(kind)}",
                        notes=("a `yield` adds one value to the list that a loop gives",),
                        helps=(
                            _RESULTS.get(
                                kind, f"the outputs of {_a(kind)} are given by name: `name = …`"
                            ),
                        ),
                    )
                case ast.State() if kind in _STATELESS:
                    why, instead = _STATELESS[kind]
                    self.report(
                        rules.MISPLACED_STATE,
                        f"{_a(kind)} has no `state`",
                        _first_word(statement.span),
                        why,
                        helps=(instead,),
                    )
                case ast.State(type=None) if kind == "net":
                    name = statement.name.text
                    self.report(
                        rules.UNTYPED_INPUT,
                        f"the state `{name}` of a net needs a type",
                        statement.name.span,
                        helps=(f"write `state {name}: f32[N, …] = …`",),
                    )
                case _:
                    pass

    def next_weight(self, name: ast.Ident, statements: Sequence[ast.Statement]) -> None:
        """Check that an optimizer gives the next weight."""
        if any(isinstance(s, ast.Next) and s.name.text == "weight" for s in statements):
            return
        self.report(
            rules.MISSING_NEXT,
            f"`{name.text}` never changes the weight",
            name.span,
            "an optimizer gives the next value of `weight`",
            helps=("add `next weight = weight - lr * gradient`, or what it is here",),
        )

    def _nexts(
        self,
        statements: Sequence[ast.Statement],
        carried: dict[str, ast.Ident],
        missing: Callable[[str], tuple[str, str, str]],
        stray: Callable[[str], tuple[str, str]],
        other: frozenset[str] = frozenset(),
    ) -> None:
        """Check the next values of carried names; ``other`` are names that may have one, too."""
        done: dict[str, ast.Next] = {}
        given = {s.name.text for s in statements if isinstance(s, ast.Next)}
        waiting = [name for name in carried if name not in given]
        for statement in statements:
            if not isinstance(statement, ast.Next):
                continue
            name = statement.name
            if name.text in done:
                self.report(
                    rules.TWO_NEXTS,
                    f"`{name.text}` gets two next values",
                    _head(statement),
                    "and its second here",
                    secondary=(Label(_head(done[name.text]), "it gets its first here"),),
                    helps=("give the first value a name of its own, and use that below",),
                )
            elif name.text not in carried and name.text not in other:
                message, fix = stray(name.text)
                if waiting:
                    # One typo explains both: a next value too many, and one that is missing.
                    fix = f"did you mean `next {(meant := waiting.pop(0))}`?"
                    done[meant] = statement
                self.report(rules.STRAY_NEXT, message, _head(statement), helps=(fix,))
            done.setdefault(name.text, statement)
        for name, at in carried.items():
            if name not in done:
                message, text, fix = missing(name)
                self.report(rules.MISSING_NEXT, message, at.span, text, helps=(fix,))


_STATELESS = {
    "op": (
        "an op is a pure function: it remembers nothing",
        "make it a block, or take the value as an argument",
    ),
    "schedule": (
        "a learning rate depends on the number of steps alone",
        "compute it from `elapsed`, the steps since the start",
    ),
}
"""Kinds of definitions without state: why, and what to do instead."""

_RESULTS = {"optimizer": "an optimizer gives the next weight: `next weight = …`"}


def _line_break(gap: Span) -> Fix:
    line = gap.source.line(gap.line)
    margin = line[: len(line) - len(line.lstrip())]
    return replacement(gap, f"\n{margin}", "start a new line")


def _joining(gap: Span) -> tuple[Fix, ...]:
    return (replacement(gap, "", "remove the line break"),) if gap.text.isspace() else ()


def _unnamed(args: Sequence[ast.Argument], at: int) -> Suggestion:
    """Suggest what was meant by an argument without a name after one with a name."""
    first = args[at - 1].value.span
    end = next((i for i in range(at, len(args)) if args[i].name is not None), len(args))
    values = [arg.value for arg in args[at - 1 : end]]
    given = Span(first.source, first.start, values[1].span.end)
    if re.fullmatch(r"[0-9]+,[0-9]+", given.text):
        number = given.text.replace(",", ".")
        helps = (f"a comma separates arguments: for a decimal point, write `{number}`",)
        return {"helps": helps, "fixes": renaming(given, number)}
    whole = Span(first.source, first.start, values[-1].span.end)
    name = args[at - 1].name
    calls = all(isinstance(value, ast.Call) for value in values)
    if name is not None and (calls or any(isinstance(value, ast.Float) for value in values)):
        help = f"if `{name.text}` is a list, write `[{whole.text}]`"
        return {"helps": (help,), "fixes": renaming(whole, f"[{whole.text}]")}
    return {"helps": ("move it to the front, or name it",), "fixes": ()}


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _first_word(span: Span) -> Span:
    text = span.text
    length = next((i for i, c in enumerate(text) if not (c.isalnum() or c == "_")), len(text))
    return Span(span.source, span.start, span.start + max(length, 1))


def _head(statement: ast.Next) -> Span:
    return Span(statement.span.source, statement.span.start, statement.name.span.end)
