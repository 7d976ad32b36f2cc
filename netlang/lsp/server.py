"""The server: each request is a question to the facts of a text."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from netlang.diagnostics.errors import NetlangError
from netlang.editor import Facts
from netlang.editor.facts.elsewhere import programs_below
from netlang.editor.facts.positions import Encoding, Positions
from netlang.lsp import conversion
from netlang.lsp.conversion import path_of, range_of
from netlang.lsp.documents import Documents
from netlang.system.versions import own_version

PAUSE = 0.15
"""Seconds without a keystroke after which problems are shown."""

REST = 1.0
"""Seconds after which what earlier versions of the texts left in memory is looked for."""

_ENCODINGS: dict[str, Encoding] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


class _Placed(Protocol):
    """What a request about a position in a text has."""

    text_document: lsp.TextDocumentIdentifier
    position: lsp.Position


class Server(LanguageServer):
    """A language server with the texts that its editor has open."""

    def __init__(self, pause: float = PAUSE) -> None:
        super().__init__("netlang", own_version())  # pyright: ignore[reportUnknownMemberType]
        self.documents = Documents()
        self.pause = pause
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._uris: dict[str, str] = {}
        self._rest: asyncio.TimerHandle | None = None

    # ---- texts ---------------------------------------------------------------------------------

    def changed(self, uri: str) -> None:
        """Take note of a text that is open, and show its problems after a pause."""
        document = self.workspace.get_text_document(uri)
        encoding = self.workspace.position_encoding
        self.documents.encoding = _ENCODINGS[getattr(encoding, "value", encoding) or "utf-16"]
        path = path_of(uri)
        self._uris[path] = uri
        self.documents.put(path, document.source, document.version)
        self._show_later(path)
        for other in self.documents.importing(path):
            self._show_later(other)

    def closed(self, uri: str) -> None:
        """Forget a text, and what was shown about it."""
        path = path_of(uri)
        if (waiting := self._waiting.pop(path, None)) is not None:
            waiting.cancel()
        self.documents.close(path)
        self._uris.pop(path, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
        for other in self.documents.importing(path):
            self._show_later(other)

    def saved(self) -> None:
        """Look again at everything: a file that a program reads may be different."""
        self.documents.saved()
        for path in self._uris:
            self._show_later(path)

    def _show_later(self, path: str) -> None:
        if (waiting := self._waiting.pop(path, None)) is not None:
            waiting.cancel()
        loop = asyncio.get_running_loop()
        self._waiting[path] = loop.call_later(self.pause, self._show, path)
        if self._rest is not None:
            self._rest.cancel()
        self._rest = loop.call_later(self.pause + REST, gc.collect)

    def _show(self, path: str) -> None:
        """Show the problems of a text as it is now."""
        self._waiting.pop(path, None)
        uri, facts = self._uris.get(path), self.documents.facts(path)
        if uri is None or facts is None:
            return
        positions = self.documents.positions(path)
        found = [
            conversion.diagnostic_of(problem, facts, self.documents, positions)
            for problem in facts.problems
        ]
        version = self.documents.version(path)
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, found, version=version)
        )

    # ---- questions -----------------------------------------------------------------------------

    def facts(self, uri: str) -> tuple[Facts, Positions] | None:
        """Return the facts of an open text, and its lines."""
        path = path_of(uri)
        facts = self.documents.facts(path)
        return None if facts is None else (facts, self.documents.positions(path))

    def others(self, path: str) -> tuple[list[Path], dict[str, str]]:
        """Return the programs that may import a file, and the texts that are open."""
        roots = [Path(path_of(folder.uri)) for folder in self.workspace.folders.values()]
        found = (each for root in roots or [Path(path).parent] for each in programs_below(root))
        texts = self.documents.texts()
        return list(dict.fromkeys([*found, *map(Path, texts)])), texts

    def place(self, params: _Placed) -> tuple[Facts, Positions, int] | None:
        """Return the facts of a text, its lines, and the offset of a position."""
        found = self.facts(params.text_document.uri)
        if found is None:
            return None
        facts, positions = found
        return facts, positions, positions.offset(params.position.line, params.position.character)


Answer = Callable[[Server, Any], object]
_ANSWERS: list[tuple[str, object, Answer]] = []


def answers(method: str, options: object = None) -> Callable[[Answer], Answer]:
    """Register what answers a method of the protocol."""

    def register(answer: Answer) -> Answer:
        _ANSWERS.append((method, options, answer))
        return answer

    return register


def make_server(pause: float = PAUSE) -> Server:
    """Return a server that is ready to start."""
    logging.getLogger("pygls").addFilter(_is_unexpected)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_unexpected)
    server = Server(pause)
    for method, options, answer in _ANSWERS:
        server.feature(method, options)(_bound(answer))
    return server


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Return whether to log a record: a request that is answered with an error is not one."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JsonRpcException)


def _bound(answer: Answer) -> Callable[[Server, Any], object]:
    def handler(server: Server, params: Any) -> object:
        return answer(server, params)

    return handler


@answers(lsp.TEXT_DOCUMENT_DID_OPEN)
def _opened(server: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    server.changed(params.text_document.uri)


@answers(lsp.TEXT_DOCUMENT_DID_CHANGE)
def _changed(server: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    server.changed(params.text_document.uri)


@answers(lsp.TEXT_DOCUMENT_DID_CLOSE)
def _closed(server: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    server.closed(params.text_document.uri)


@answers(lsp.TEXT_DOCUMENT_DID_SAVE)
def _saved(server: Server, params: lsp.DidSaveTextDocumentParams) -> None:
    del params
    server.saved()


def _offsets(positions: Positions, given: lsp.Range) -> tuple[int, int]:
    """Return the first and the last offset of a range."""
    return (
        positions.offset(given.start.line, given.start.character),
        positions.offset(given.end.line, given.end.character),
    )


@answers(lsp.TEXT_DOCUMENT_INLAY_HINT)
def _hints(server: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    found = server.facts(params.text_document.uri)
    if found is None:
        return []
    facts, positions = found
    start, end = _offsets(positions, params.range)
    return [
        conversion.hint_of(hint, positions) for hint in facts.hints if start <= hint.offset <= end
    ]


@answers(lsp.TEXT_DOCUMENT_HOVER)
def _hover(server: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    found = server.place(params)
    if found is None:
        return None
    facts, positions, offset = found
    hover = facts.hover(offset)
    if hover is None:
        return None
    content = lsp.MarkupContent(lsp.MarkupKind.Markdown, hover.text)
    return lsp.Hover(content, range_of(positions, hover.start, hover.end))


@answers(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", "[", "("]))
def _complete(server: Server, params: lsp.CompletionParams) -> lsp.CompletionList | None:
    found = server.place(params)
    if found is None:
        return None
    facts, positions, offset = found
    candidates = enumerate(facts.complete(offset))
    items = [conversion.completion_of(each, at, positions) for at, each in candidates]
    return lsp.CompletionList(is_incomplete=False, items=items)


@answers(lsp.TEXT_DOCUMENT_DEFINITION)
def _definition(server: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    found = server.place(params)
    place = None if found is None else found[0].definition(found[2])
    return None if place is None else conversion.location_of(place, server.documents)


@answers(lsp.TEXT_DOCUMENT_REFERENCES)
def _references(server: Server, params: lsp.ReferenceParams) -> list[lsp.Location]:
    found = server.place(params)
    if found is None:
        return []
    facts, _, offset = found
    files, texts = server.others(path_of(params.text_document.uri))
    places = facts.references(offset, files, texts)
    if not params.context.include_declaration:
        defined = facts.definition(offset)
        places = tuple(place for place in places if place != defined)
    return [conversion.location_of(place, server.documents) for place in places]


@answers(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
def _prepare(server: Server, params: lsp.PrepareRenameParams) -> lsp.Range | None:
    found = server.place(params)
    if found is None:
        return None
    facts, positions, offset = found
    at = next((t for t in facts.tokens if t.start <= offset <= t.end), None)
    if at is None or "defaultLibrary" in at.modifiers:
        return None
    return range_of(positions, at.start, at.end)


@answers(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
def _rename(server: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
    found = server.place(params)
    if found is None:
        return None
    facts, _, offset = found
    try:
        renaming = facts.rename(offset, params.new_name)
    except NetlangError as error:
        raise JsonRpcInvalidParams(message=error.message) from None
    if renaming is None:
        return None
    if renaming.remarks:
        text = "; ".join(renaming.remarks)
        server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, text))
    return conversion.edit_of(renaming.edits, server.documents)


@answers(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def _symbols(server: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    found = server.facts(params.text_document.uri)
    if found is None:
        return []
    facts, positions = found
    return [conversion.symbol_of(symbol, positions) for symbol in facts.symbols]


@answers(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
def _foldings(server: Server, params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
    found = server.facts(params.text_document.uri)
    return [] if found is None else [conversion.folding_of(each) for each in found[0].foldings]


@answers(
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
    lsp.SemanticTokensLegend([*conversion.TOKEN_TYPES], [*conversion.TOKEN_MODIFIERS]),
)
def _tokens(server: Server, params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
    found = server.facts(params.text_document.uri)
    return None if found is None else conversion.tokens_of(found[0].tokens, found[1])


@answers(lsp.TEXT_DOCUMENT_FORMATTING)
def _format(server: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    found = server.facts(params.text_document.uri)
    if found is None:
        return []
    facts, positions = found
    after = facts.format()
    if after is None or after == facts.text:
        return []
    return [lsp.TextEdit(range_of(positions, 0, len(facts.text)), after)]


@answers(
    lsp.TEXT_DOCUMENT_CODE_ACTION,
    lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
)
def _actions(server: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    found = server.facts(params.text_document.uri)
    if found is None:
        return []
    facts, positions = found
    start, end = _offsets(positions, params.range)
    actions: list[lsp.CodeAction] = []
    for problem in facts.problems:
        place = problem.location
        if place.path == facts.path and place.start <= end and start <= place.end:
            shown = conversion.diagnostic_of(problem, facts, server.documents, positions)
            actions += conversion.actions_of(problem, shown, server.documents)
    return actions


@answers(lsp.TEXT_DOCUMENT_CODE_LENS)
def _lenses(server: Server, params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
    found = server.facts(params.text_document.uri)
    if found is None:
        return []
    facts, positions = found
    return [conversion.lens_of(lens, facts, positions) for lens in facts.lenses]
