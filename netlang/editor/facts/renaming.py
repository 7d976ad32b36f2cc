"""Renaming, in a way that keeps the names of weights, or says what happens to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.editor.facts.names import Names, Use
from netlang.editor.facts.records import Location, Renaming, TextEdit
from netlang.evaluate.context.parameter_names import Sites
from netlang.evaluate.modules.module import ModuleScope
from netlang.program import Program, open_program
from netlang.syntax import ast
from netlang.syntax.keywords import RESERVED
from netlang.syntax.walk import walk

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LISTED = 4


def renamed(names: Names, use: Use, new: str) -> Renaming:
    """Return the edits that rename what a name means.

    Raises ``NetlangError`` for a name of the library, and for a new name that is invalid or taken.
    """
    old = use.meaning.name
    _check(names, use, new)
    program = names.program
    places = names.references(use.meaning)
    edits = tuple(TextEdit(place, new) for place in places)
    if new == old:
        return Renaming(())
    others = dict.fromkeys(place.path for place in places if place.path != str(program.path))
    outside = tuple(f"{path} is changed too" for path in others)
    before = _weights(program)
    labels = _labels(names, use, old)
    kept = Renaming((*edits, *labels), outside)
    after = _weights(_edited(program, kept.edits))
    if labels and before != after:
        kept = Renaming(edits, outside)
        after = _weights(_edited(program, edits))
    if before == after:
        return kept
    return Renaming(kept.edits, (*outside, *_changed(before, after)))


def _check(names: Names, use: Use, new: str) -> None:
    old = use.meaning.name
    if use.meaning.library:
        raise _rejected(f"`{old}` is part of netlang, and can't be renamed")
    if _NAME.fullmatch(new) is None:
        raise _rejected(f"`{new}` is not a name", "a name consists of letters, digits and `_`")
    if new in RESERVED:
        raise _rejected(f"`{new}` is a keyword", "choose another name")
    if old[0].isupper() and use.meaning.declaration is None and not new[0].isupper():
        raise _rejected("a dimension has a capital letter", f"such as `{new.capitalize()}`")
    module = names.program.module
    if module is not None and use.meaning.declaration is not None and new in module.declared:
        raise _rejected(f"`{new}` is defined in this file already", "choose another name")
    own = _around(names.program, use.meaning.definition)
    bound = {n.text for n in walk(*own) if isinstance(n, ast.Ident)}
    if new != old and use.meaning.declaration is None and new in bound:
        raise _rejected(f"`{new}` is used in this definition already", "choose another name")


def _rejected(message: str, *helps: str) -> NetlangError:
    return NetlangError(rules.USAGE, message, helps=helps, exit_code=USAGE)


def _around(program: Program, place: Location) -> list[ast.Declaration]:
    declared = program.file.declarations if program.file is not None else ()
    if place.path != str(program.path):
        return []
    return [d for d in declared if d.span.start <= place.start < d.span.end]


def _labels(names: Names, use: Use, old: str) -> tuple[TextEdit, ...]:
    """Return the labels that give calls the names of weights that they have now."""
    program, module = names.program, names.program.module
    found: list[TextEdit] = []
    for declaration in _around(program, use.meaning.definition):
        body = declaration.body if isinstance(declaration, ast.Definition) else None
        if body is None or module is None:
            continue
        assert isinstance(declaration, ast.Definition)
        sites = module.sites(declaration)
        for node in walk(body):
            if isinstance(node, ast.Bind) and _binds(node, use):
                found += _label(node.value, sites, old, str(program.path))
    if use.meaning.function is not None and module is not None:
        found += _callees(module, program, old)
    return tuple(found)


def _binds(bind: ast.Bind, use: Use) -> bool:
    definition = use.meaning.definition
    first = next((t for t in bind.targets if not t.text.startswith("_")), bind.targets[0])
    return (first.span.start, first.span.end) == (definition.start, definition.end)


def _label(value: ast.Expr, sites: Sites, old: str, path: str) -> list[TextEdit]:
    """Return the label for the only call of a binding that owns weights, if it has none."""
    labeled = {id(node.value) for node in walk(value) if isinstance(node, ast.Label)}
    owners = [node for node in walk(value) if sites.names.get(id(node)) == ""]
    if len(owners) != 1 or id(owners[0]) in labeled:
        return []
    end = owners[0].span.end
    return [TextEdit(Location(path, end, end), f" as {old}")]


def _callees(module: ModuleScope, program: Program, old: str) -> list[TextEdit]:
    """Return labels for the calls whose weights have the name of a definition, and no other."""
    found: list[TextEdit] = []
    for declaration in module.declared.values():
        sites = module.sites(declaration) if isinstance(declaration, ast.Definition) else Sites()
        for statement in walk(declaration):
            if not isinstance(statement, ast.Next | ast.Yield):
                continue
            labeled = {id(n.value) for n in walk(statement) if isinstance(n, ast.Label)}
            for node in walk(statement.value):
                site = sites.names.get(id(node), "")
                if re.fullmatch(rf"{old}\d*", site) and id(node) not in labeled:
                    end = node.span.end
                    found.append(TextEdit(Location(str(program.path), end, end), f" as {site}"))
    return found


def _edited(program: Program, edits: Sequence[TextEdit]) -> Program:
    """Return the program with some edits made in its files."""
    changed: dict[str, str] = {}
    for path in dict.fromkeys(edit.location.path for edit in edits):
        own = [edit for edit in edits if edit.location.path == path]
        changed[path] = apply_edits(_text(program, path), own)
    main = str(program.path)
    others = {str(path): text for path, text in program.texts.items()}
    text = changed.pop(main, _text(program, main))
    return open_program(program.path, text, texts={**others, **changed})


def _text(program: Program, path: str) -> str:
    if path == str(program.path):
        return program.file.source.text if program.file is not None else ""
    return next(m.source.text for at, m in program.modules.items() if str(at) == path)


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return a text with edits made, which do not overlap; insertions come after replacements."""
    for edit in sorted(edits, key=lambda e: (e.location.start, e.location.end), reverse=True):
        text = text[: edit.location.start] + edit.text + text[edit.location.end :]
    return text


def _weights(program: Program) -> dict[str, list[str]]:
    """Return the paths of the parameters of each complete net, in order."""
    program.check()
    found: dict[str, list[str]] = {}
    for net in program.nets.values():
        graph = program.check_net(net) if net.complete else None
        if graph is not None:
            found[str(len(found))] = [param.path for param in graph.params.values()]
    return found


def _changed(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return what to know about the weights that get other names."""
    pairs = dict.fromkeys(
        (one, other)
        for net, paths in before.items()
        for one, other in zip(paths, after.get(net, ()), strict=False)
        if one != other
    )
    if not pairs:
        return ("the program has an error with this name",)
    shown = [f"`{one}` becomes `{other}`" for one, other in list(pairs)[:_LISTED]]
    more = [f"{len(pairs) - _LISTED} more"] if len(pairs) > _LISTED else []
    return (
        f"{len(pairs)} parameters get other names: {', '.join([*shown, *more])}",
        "files of parameters that were saved before no longer fit",
    )
