"""The settings of a train section, their types, and what they are as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from netlang.evaluate.context.describe import short
from netlang.evaluate.context.values import Examples, Function, Layer, Object, Part, Setting
from netlang.ir.graph import Value
from netlang.syntax import ast
from netlang.syntax.walk import walk

SETTINGS = {
    "data": "rows",
    "valid": "rows",
    "loss": "f32[]",
    "metrics": "list",
    "optimizer": "optimizer",
    "init": "list",
    "freeze": "list",
    "clip": "clip",
    "run": "duration",
    "stop": "stop",
    "plateau": "plateau",
    "checkpoint": "list",
    "seed": "int",
    "precision": "str",
    "accumulate": "int",
    "carry_state": "bool",
}
STEP_SETTINGS = frozenset({"loss", "update", "optimizer", "clip", "repeat"})

_ELSEWHERE = frozenset({"loss", "metrics", "seed"})
"""Settings that are in the graph, or recorded by the run itself."""


def settings_text(
    settings: Mapping[str, Object], steps: Mapping[str, Mapping[str, Object]]
) -> dict[str, str]:
    """Return every setting by its path: ``optimizer`` and ``optimizer.momentum``.

    A resumed run is compared with the first by them.
    """
    found: dict[str, str] = {}
    for name, value in settings.items():
        if name not in _ELSEWHERE:
            found.update(_flat(name, value))
    for step, own in steps.items():
        for name, value in own.items():
            found.update(_flat(f"{step}.{name}", value))
    return found


def same(one: Object, other: Object) -> bool:
    """Return whether two values of a setting mean the same."""
    return dict(_flat("", one)) == dict(_flat("", other))


_COMMENT = re.compile(r"#[^\n]*")


def _definition(name: str, call: Setting) -> Iterator[tuple[str, str]]:
    """Yield the text of a program's own optimizer or schedule, and of all that it calls."""
    if call.call is None or call.call.function.module.source.library:
        return
    texts: dict[str, str] = {}
    waiting = [call.call.function]
    while waiting:
        function = waiting.pop()
        definition = function.definition
        if definition.name.text in texts or function.module.source.library:
            continue
        texts[definition.name.text] = " ".join(_COMMENT.sub("", definition.span.text).split())
        used = {node.text for node in walk(definition) if isinstance(node, ast.Name)}
        found = (function.module.function(each) for each in sorted(used))
        waiting += [each for each in found if each is not None]
    yield f"{name}.definition", "; ".join(texts[each] for each in sorted(texts))


def _text(value: Object) -> str:
    """Return a value in full, so that no two have the same text."""
    match value:
        case float():
            text = f"{value:g}"
            return text if float(text) == value else repr(value)
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case tuple():
            return f"({', '.join(map(_text, value))})"
        case Setting(name=name, arguments=arguments) if arguments:
            return f"{name}({', '.join(map(_text, arguments.values()))})"
        case _:
            return short(value)


def _flat(name: str, value: Object) -> Iterator[tuple[str, str]]:
    match value:
        case Value():
            return
        case Setting(name=kind, arguments=arguments):
            yield name, kind
            yield from _definition(name, value)
            for key, part in arguments.items():
                if key != "optimizer":  # of a group: what it overrides is said below
                    yield from _flat(f"{name}.{key}", part)
            for arg in value.overrides:
                yield from _flat(f"{name}.{arg.name.text if arg.name else ''}", arg.value)
        case Examples(origin=origin):
            yield name, f"{origin.dataset}({', '.join(map(_text, origin.arguments.values()))})"
            for key, part in origin.fields.items():
                if isinstance(part, Setting):  # how a column is read; files are compared themselves
                    yield from _flat(f"{name}.{key}", part)
            for key, part in origin.batches.items():
                yield from _flat(f"{name}.{key}", part)
            for step in origin.steps:
                yield from _flat(f"{name}.{step.name}", step)
        case list() | tuple():
            for i, part in enumerate(value):
                yield from _flat(f"{name}[{i}]", part)
        case Layer(path=path):
            yield name, path
        case Part(layer=layer, path=path):
            yield name, f"{layer.path}.{path}"
        case Function(name=own):
            yield name, own
        case _:
            yield name, _text(value)
