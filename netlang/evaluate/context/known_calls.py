"""Calls of the library that were evaluated in an earlier version of a text that is edited.

The library does not change, so one of its blocks makes the same of the same arguments in every
version of a text, in every net and in every layer of a train section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, Made
from netlang.evaluate.context.memo import Key, Mark, Recording, repeat
from netlang.evaluate.context.values import Argued, Bound, Function, Object, Results, Setting
from netlang.ir.dims import Dim
from netlang.ir.graph import Node, Param, Scope, Value

_REMEMBERED = 1000


class _Known(Struct, frozen=True, eq=False):
    """A recording without the frames of its evaluation, and the steps that it took."""

    recording: Recording
    weights: tuple[tuple[Value, Param], ...]
    steps: int


class KnownCalls:
    """What calls of the library made, for those that come again."""

    def __init__(self) -> None:
        self._known: dict[Key, _Known] = {}

    def repeat(self, key: Key, tensors: list[Value], inner: Frame) -> Object | None:
        """Copy what a known call made into the frame of a new one, at the cost of evaluating it.

        Returns ``None`` for a call that is not known, or makes parameters that exist already.
        """
        known, site, budget = self._known.get(key), inner.call, inner.run.budget
        if known is None or site is None or budget.spent + known.steps > budget.limit:
            return None
        weights = tuple(Made(value, param, inner) for value, param in known.weights)
        recording = replace(known.recording, weights=weights)
        before = budget.spent
        made = repeat(recording, tensors, inner.path, site.span, site.frame, inner.scope)
        budget.spent = before if made is None else before + known.steps
        return made

    def keep(
        self, key: Key, recording: Recording, assigned: Mapping[str, Argued], before: Mark,
        inner: Frame,
    ) -> None:  # fmt: skip
        """Remember what a call of the library made, unless that belongs to this version of a text.

        Functions among the arguments are definitions in the text; a number that fills a tensor
        leaves a node with its place; some nodes and values have notes in the run.
        """
        run = inner.run
        if len(run.modes) != before.modes or not all(_is_plain(a.value) for a in assigned.values()):
            return
        if not _is_lasting(recording.result) or not all(_nodes_last(recording)):
            return
        if any(
            made.frame is not inner or not _in_library(made.param.span)
            for made in recording.weights
        ):
            return
        weights = tuple((made.value, made.param) for made in recording.weights)
        steps = run.budget.spent - before.spent
        self._known[key] = _Known(replace(recording, weights=()), weights, steps)
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


def _is_plain(value: Object) -> bool:
    """Return whether an argument has no definition of the text in it."""
    match value:
        case Function() | Bound():
            return False
        case list() | tuple():
            return all(map(_is_plain, value))
        case Setting(arguments=arguments):
            return all(map(_is_plain, arguments.values()))
        case _:
            return True


def _is_lasting(value: Object) -> bool:
    """Return whether a result consists of tensors and numbers."""
    match value:
        case Value() | bool() | int() | float() | str() | Dim() | None:
            return True
        case list() | tuple():
            return all(map(_is_lasting, value))
        case Results(values=values):
            return all(map(_is_lasting, values.values()))
        case _:
            return False


def _nodes_last(recording: Recording) -> Iterator[bool]:
    for node in recording.nodes:
        yield _in_library(node.span) and _scopes_last(node, recording.scope)
        yield not node.op.random and getattr(node.op, "body", None) is None


def _scopes_last(node: Node, whole: Scope) -> bool:
    scope = node.scope
    while scope is not None and scope is not whole:
        if scope.span is not whole.span and not _in_library(scope.span):
            return False
        scope = scope.parent
    return scope is whole


def _in_library(span: Span | None) -> bool:
    return span is None or span.source.library
