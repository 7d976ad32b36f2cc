"""The records of facts as the types of the protocol, and positions as offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import from_fs_path, to_fs_path

from netlang.editor import Facts
from netlang.editor.facts.positions import Positions
from netlang.editor.facts.records import (
    Candidate,
    Folding,
    Hint,
    Lens,
    Location,
    Problem,
    QuickFix,
    SemanticToken,
    Symbol,
    TextEdit,
)
from netlang.lsp.documents import Documents

TOKEN_TYPES = ("class", "function", "variable", "parameter", "typeParameter")
TOKEN_MODIFIERS = ("declaration", "readonly", "defaultLibrary")

_SYMBOLS = {
    "net": lsp.SymbolKind.Class, "block": lsp.SymbolKind.Class, "op": lsp.SymbolKind.Function,
    "extern op": lsp.SymbolKind.Function, "optimizer": lsp.SymbolKind.Function,
    "schedule": lsp.SymbolKind.Function, "dataset": lsp.SymbolKind.Struct,
    "train": lsp.SymbolKind.Event, "step": lsp.SymbolKind.Event,
    "constant": lsp.SymbolKind.Constant, "state": lsp.SymbolKind.Field,
}  # fmt: skip
_CANDIDATES = {
    "net": lsp.CompletionItemKind.Class, "block": lsp.CompletionItemKind.Class,
    "op": lsp.CompletionItemKind.Function, "optimizer": lsp.CompletionItemKind.Function,
    "schedule": lsp.CompletionItemKind.Function, "dataset": lsp.CompletionItemKind.Struct,
    "argument": lsp.CompletionItemKind.Property, "setting": lsp.CompletionItemKind.Property,
    "column": lsp.CompletionItemKind.Field, "size": lsp.CompletionItemKind.TypeParameter,
    "constant": lsp.CompletionItemKind.Constant, "keyword": lsp.CompletionItemKind.Keyword,
    "word": lsp.CompletionItemKind.Value,
}  # fmt: skip


def path_of(uri: str) -> str:
    """Return the path of a document; of one that is not a file, its address."""
    return to_fs_path(uri) or uri


def uri_of(path: str) -> str:
    """Return the address of a file."""
    if "://" in path or path.startswith("untitled:"):
        return path
    return from_fs_path(str(Path(path).absolute())) or path


def range_of(positions: Positions, start: int, end: int) -> lsp.Range:
    """Return the range between two offsets."""
    return lsp.Range(
        lsp.Position(*positions.position(start)), lsp.Position(*positions.position(end))
    )


def location_of(location: Location, documents: Documents) -> lsp.Location:
    """Return a place in a file."""
    positions = documents.positions(location.path)
    return lsp.Location(uri_of(location.path), range_of(positions, location.start, location.end))


def edit_of(edits: Iterable[TextEdit], documents: Documents) -> lsp.WorkspaceEdit:
    """Return edits in one or several files."""
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in edits:
        place = location_of(edit.location, documents)
        changes.setdefault(place.uri, []).append(lsp.TextEdit(place.range, edit.text))
    return lsp.WorkspaceEdit(changes=changes)


# ---- problems --------------------------------------------------------------------------------


def diagnostic_of(
    problem: Problem, facts: Facts, documents: Documents, positions: Positions
) -> lsp.Diagnostic:
    """Return a problem; that of an imported file is shown where the file is imported."""
    place = problem.location
    related = [
        lsp.DiagnosticRelatedInformation(location_of(each.location, documents), each.text or "here")
        for each in problem.related
    ]
    message = problem.text
    if place.path != facts.path:
        line = documents.positions(place.path).position(place.start)[0] + 1
        message = f"{Path(place.path).name}, line {line}: {message}"
        related.insert(
            0, lsp.DiagnosticRelatedInformation(location_of(place, documents), problem.message)
        )
        place = _import_of(place.path, facts)
    return lsp.Diagnostic(
        range_of(positions, place.start, max(place.end, place.start)),
        message,
        severity=lsp.DiagnosticSeverity.Error
        if problem.severity == "error"
        else lsp.DiagnosticSeverity.Warning,
        code=problem.rule,
        source="netlang",
        related_information=related or None,
        tags=[lsp.DiagnosticTag.Unnecessary] if problem.rule.startswith("unused") else None,
    )


def _import_of(path: str, facts: Facts) -> Location:
    """Return the import of a file in a text, or its beginning where another file imports it."""
    for found in re.finditer(r'^from ("[^"\n]*")', facts.text, re.MULTILINE):
        target = Path(facts.path).parent / found[1][1:-1]
        if target.resolve() == Path(path).resolve():
            return Location(facts.path, found.start(1), found.end(1))
    return Location(facts.path, 0, 0)


def actions_of(
    problem: Problem, diagnostic: lsp.Diagnostic, documents: Documents
) -> list[lsp.CodeAction]:
    """Return the fixes of a problem; the only one is preferred."""
    return [
        lsp.CodeAction(
            _title(fix),
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=len(problem.fixes) == 1,
            edit=edit_of(fix.edits, documents),
        )
        for fix in problem.fixes
    ]


def _title(fix: QuickFix) -> str:
    return fix.title[:1].upper() + fix.title[1:]


# ---- what is shown in the text -----------------------------------------------------------------


def hint_of(hint: Hint, positions: Positions) -> lsp.InlayHint:
    """Return a hint; one with several types lists them when the mouse is over it."""
    parameter = hint.kind == "parameter"
    return lsp.InlayHint(
        lsp.Position(*positions.position(hint.offset)),
        hint.text,
        kind=lsp.InlayHintKind.Parameter if parameter else lsp.InlayHintKind.Type,
        tooltip="\n".join(hint.types) if len(hint.types) > 1 else None,
        padding_right=parameter,
    )


def symbol_of(symbol: Symbol, positions: Positions) -> lsp.DocumentSymbol:
    """Return a symbol with those inside it."""
    return lsp.DocumentSymbol(
        symbol.name,
        _SYMBOLS.get(symbol.kind, lsp.SymbolKind.Variable),
        range_of(positions, symbol.start, symbol.end),
        range_of(positions, symbol.name_start, symbol.name_end),
        detail=symbol.detail,
        children=[symbol_of(child, positions) for child in symbol.children] or None,
    )


def folding_of(folding: Folding) -> lsp.FoldingRange:
    """Return lines that can be folded."""
    kinds = {"comment": lsp.FoldingRangeKind.Comment, "imports": lsp.FoldingRangeKind.Imports}
    return lsp.FoldingRange(folding.first_line, folding.last_line, kind=kinds.get(folding.kind))


def tokens_of(tokens: Sequence[SemanticToken], positions: Positions) -> lsp.SemanticTokens:
    """Return tokens as the protocol encodes them: each relative to the one before."""
    data: list[int] = []
    last = (0, 0)
    for token in tokens:
        line, column = positions.position(token.start)
        length = positions.position(token.end)[1] - column
        first = column - last[1] if line == last[0] else column
        modifiers = sum(1 << TOKEN_MODIFIERS.index(name) for name in token.modifiers)
        data += [line - last[0], first, length, TOKEN_TYPES.index(token.kind), modifiers]
        last = (line, column)
    return lsp.SemanticTokens(data)


def lens_of(lens: Lens, facts: Facts, positions: Positions) -> lsp.CodeLens:
    """Return a lens, whose command the editor runs with the path of the file and a name."""
    command = lsp.Command(lens.title, f"netlang.{lens.command}", arguments=[facts.path, lens.name])
    return lsp.CodeLens(range_of(positions, lens.offset, lens.offset), command=command)


def completion_of(candidate: Candidate, order: int, positions: Positions) -> lsp.CompletionItem:
    """Return a candidate; the order is that of the facts."""
    place = candidate.location
    documentation = candidate.documentation
    return lsp.CompletionItem(
        candidate.label.rstrip(" ="),
        kind=_CANDIDATES.get(candidate.kind, lsp.CompletionItemKind.Variable),
        detail=candidate.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, documentation)
        if documentation
        else None,
        sort_text=f"{order:04}",
        text_edit=lsp.TextEdit(range_of(positions, place.start, place.end), candidate.label),
    )
