"""Answers the requests of a page, whatever they come through."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.editor import Analyser, Facts
from netlang.editor.facts.elsewhere import SUFFIX
from netlang.editor.words import words
from netlang.serve.conversion import Converter
from netlang.serve.diagrams import Diagrams
from netlang.serve.errors import error_of
from netlang.serve.folder import Folder
from netlang.serve.messages import answers, requests, text_answers
from netlang.serve.messages.coding import answering, encoded
from netlang.serve.runs import Runs
from netlang.system.versions import own_version

_OPEN = 20
"""How many files are kept as they were analysed last."""

Reply = (
    answers.Welcome | text_answers.Checked | text_answers.Drawn | text_answers.Hovered
    | text_answers.Completions | answers.Formatted | answers.Listed | answers.Opened
    | answers.Saved | answers.Conflict | answers.Stopping
)  # fmt: skip


class _Document:
    """A file as it was analysed last: what has not changed is not analysed again."""

    def __init__(self, path: Path) -> None:
        self.analyser = Analyser(path)
        self.given: tuple[object, ...] = ()
        self.facts: Facts | None = None


class Handler:
    """Answers requests about the programs of a folder.

    ``first`` is the file to show first. Any number of threads may ask.
    """

    def __init__(self, folder: Folder, first: str | None = None) -> None:
        self.folder = folder
        self.first = first
        self.runs = Runs(folder)
        self._diagrams = Diagrams()
        self._documents: dict[str, _Document] = {}
        self._compiling = Lock()

    def answer(self, request: requests.Request) -> Iterator[bytes]:
        """Yield each answer to a request as a line of JSON without its end.

        An empty one has no meaning: it shows that a run continues. Closing the iterator stops
        the run.
        """
        try:
            if isinstance(request, requests.Train):
                self.folder.file(request.path)
                yield from self.runs.train(request)
            elif isinstance(request, requests.Predict):
                yield self.runs.predict(request)
            else:
                yield encoded(answering(self._reply(request), request))
        except Exception as error:
            yield encoded(answering(answers.Failed(error=error_of(error)), request))

    def prepare(self) -> None:
        """Load what the first answer needs, while the browser starts."""
        with suppress(NetlangError):
            text = "" if self.first is None else self.folder.open(self.first).text
            request = requests.Check(path=self.first or f"untitled{SUFFIX}", text=text)
            for _ in self.answer(request):
                pass
        gc.freeze()  # what is loaded stays

    def close(self) -> None:
        """Stop what is running."""
        self.runs.close()

    def _reply(
        self,
        request: requests.Hello | requests.TextRequest | requests.ListFiles | requests.Open
        | requests.Save | requests.Stop,
    ) -> Reply:  # fmt: skip
        match request:
            case requests.Hello():
                return self._welcome()
            case requests.ListFiles():
                return answers.Listed(folder=self.folder.name, files=self.folder.programs())
            case requests.Open(path=path):
                return self.folder.open(path)
            case requests.Save(path=path, text=text, revision=revision):
                return self.folder.save(path, text, revision)
            case requests.Stop(run=run):
                return answers.Stopping(run=run, found=self.runs.stop(run))
            case _:
                with self._compiling:
                    return self._about(request)

    def _welcome(self) -> answers.Welcome:
        known = words()
        return answers.Welcome(
            netlang=own_version(),
            folder=self.folder.name,
            file=self.first,
            can=["check", "draw", "explain", "format", "complete", "hover", "train", "predict",
                 "files"],
            words=answers.Known(
                known.keywords, known.layers, known.functions, [*known.elements, *known.types]
            ),
        )  # fmt: skip

    def _about(self, request: requests.TextRequest) -> Reply:
        """Answer what is about a text."""
        facts = self._facts(request)
        converter = Converter(facts, self.folder.shown, self._text_of(request.texts))
        match request:
            case requests.Check():
                return self._checked(request, converter)
            case requests.Draw():
                return self._drawn(request, converter)
            case requests.Hover(offset=units):
                offset = converter.offset(units)
                return converter.hover(facts.hover(offset), offset)
            case requests.Explain(offset=units):
                offset = converter.offset(units)
                found = converter.hover(facts.explain(offset), offset)
                return text_answers.Explained(
                    start=found.start, end=found.end, name=found.name, parts=found.parts
                )
            case requests.Complete(offset=units):
                found = facts.complete(converter.offset(units))
                return text_answers.Completions(candidates=list(map(converter.candidate, found)))
            case requests.Format():
                return answers.Formatted(text=facts.format())
            case _:
                raise AssertionError(request)

    def _checked(self, request: requests.Check, converter: Converter) -> text_answers.Checked:
        facts = converter.facts
        nets = [
            text_answers.Net(
                net.name,
                converter.units(net.start),
                converter.units(net.end),
                net.graph is not None,
                self._diagrams.summary(net, converter)
                if request.summaries is None or net.name in request.summaries
                else None,
            )
            for net in facts.nets
        ]
        return text_answers.Checked(
            path=request.path,
            problems=converter.problems(),
            hints=converter.hints(),
            symbols=converter.symbols(),
            foldings=converter.foldings(),
            tokens=converter.tokens(),
            lenses=converter.lenses(),
            nets=nets,
            sections=converter.sections(),
        )

    def _drawn(self, request: requests.Draw, converter: Converter) -> text_answers.Drawn:
        nets = {net.name: net for net in converter.facts.nets}
        net = nets.get(request.name)
        if net is None:
            raise NetlangError(
                rules.UNKNOWN_NET,
                f"{request.path} has no net `{request.name}`",
                helps=did_you_mean(request.name, nets),
                exit_code=USAGE,
            )
        if net.graph is None:
            raise NetlangError(rules.PROGRAM_ERRORS, f"`{net.name}` has errors")
        return self._diagrams.drawn(net, request.depth, request.direction, converter)

    def _facts(self, request: requests.TextRequest) -> Facts:
        path = self.folder.file(request.path)
        texts = {str(self.folder.file(name)): text for name, text in request.texts.items()}
        document = self._documents.pop(request.path, None) or _Document(path)
        self._documents[request.path] = document
        while len(self._documents) > _OPEN:
            del self._documents[next(iter(self._documents))]
        given = request.text, texts, _stamps(document.facts)
        if document.facts is None or document.given != given:
            document.facts = document.analyser.analyse(request.text, texts)
            document.given = request.text, texts, _stamps(document.facts)
        return document.facts

    def _text_of(self, texts: Mapping[str, str]) -> Callable[[str], str]:
        """Return what reads a file that a problem is in, as it was analysed."""

        def text_of(path: str) -> str:
            shown = self.folder.shown(path)
            if shown in texts:
                return texts[shown]
            try:
                return Path(path).read_text("utf-8").replace("\r\n", "\n")
            except (OSError, UnicodeDecodeError):
                return ""

        return text_of


def _stamps(facts: Facts | None) -> tuple[tuple[Path, int, int], ...]:
    """Return what changes when an imported file does."""
    found: list[tuple[Path, int, int]] = []
    for path in sorted(facts.imports) if facts is not None else ():
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path, status.st_mtime_ns, status.st_size))
    return tuple(found)
