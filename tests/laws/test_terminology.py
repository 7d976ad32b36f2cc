"""Texts that a person reads use the field's standard terms, in US spelling."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "netlang"
TESTS = ROOT / "tests"
FOLDERS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*PACKAGE.iterdir(), *TESTS.iterdir())
    # What tests read may look like what users write.
    if path.is_dir() and path.name != "__pycache__" and path != TESTS / "data"
)
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "grammars", "docs")
READ = (".py", ".net", ".lark", ".md")

BANNED = {
    r"(?<!there )(?<!which )\b(is|are) no (?!longer|more|less|better|worse|other|such)\w+":
        "is not a …",
    r"\banew\b": "again, from scratch",
    r"\bso (many|much)\b(?! (more|less|that|as))": "N, this many",
    r"\bgives? back\b|\bgiven back\b": "return",
    r"\bsights?\b": "patches",
    r"\bslips?\b": "typo, edit",
    r"\b(initial|normal|optim|recogn|serial|real|quant|special|minim|maxim|summar|general)"
    r"is(e|ed|es|ing|er|ers|ation|ations)\b": "US spelling",
    r"\b(grey|colour|behaviour|neighbour|favour|honour|centre|centred|labelled|modelled)s?\b":
        "US spelling",
    r"\bmistak(e|es|en)\b": "error",
    r"\bfaults?\b": "error",
    r"(?<!negative )(?<!one )\bslopes?\b": "gradient, derivative; negative slope",
    r"\bkinks?\b": "non-differentiable point",
    r"\bwhole numbers?\b": "integer",
    r"\bnumbers? with a point\b": "floating-point number",
    r"\b(in silence|without a word|hitherto|nought)\b": "silently; so far; zero",
    r"\blast but one\b": "second to last",
    r"\b(is|are|was|were|be|been|being) (said so|told)\b": "reported; an error says",
    r"\bask(s|ed)? for\b": "requested; requires",
    r"\bwants\b": "expects, requires",
    r"\bspelt\b|\bspell(s|ed)? out\b": "format, print; escape; written out in full",
    r"\b(stands?|stood|standing) for\b": "denotes, represents",
    r"\bbeside\b": "next to, in the same folder as",
    r"\b(go|goes|went|going) on\b": "continue; resume",
    r"\blengths? of (the |its |all )?gradients?\b|\bhow long (the )?gradients\b": "gradient norm",
    r"\bmade smaller\b": "the loss, the scalar to minimize",
    r"\brelieved of\b": "hoisting",
    r"\b(take|takes|taken|itself|weights|them) apart\b": "split; excluding, separately",
    r"\brefus(e|es|ed|al|als|ing)\b": "reject, raise an error",
    r"\b(first|last|one|each|every|this|a|of|\d+) turns?\b(?! into)|\bturns of\b": "iteration",
    r"(?<!F)\bfigures?\b(?! \d)": "metric, value; measurement",
    r"(?<!new )(?<![`\"])\bpictures?\b(?![`\"(])": "image; diagram; plot",
    r"\bspots?\b": "location, position",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\brandom draws?\b": "sample",
    r"\bdata sets?\b": "dataset",
    r"\brun[- ]time\b(?<!at run time)(?<!at run-time)": "runtime",
    r"\b(one|two) at least\b": "at least one",
    r"\b(surer|whence|thereof|wherein|hereby|thither)\b": "plain words",
}  # fmt: skip
"""What is not written, and what is written instead."""

PATTERN = re.compile("|".join(f"(?:{p})" for p in BANNED), re.IGNORECASE)
FIRST_WORD = re.compile(r"^(Give|Tell|Say)s?\b(?!:)")
MESSAGE = re.compile(r'"((?:[^"\\]|\\.)*)"')
CODE = re.compile(r"^ *```.*?^ *```$|`+[^`\n]*`+", re.MULTILINE | re.DOTALL)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose in a file with its lines: a page, or the strings and comments of code."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        yield 1, text
    elif path.suffix != ".py":
        mark = "//" if path.suffix == ".lark" else "#"
        for number, line in enumerate(text.splitlines(), 1):
            code, _, comment = line.partition(mark)
            yield number, comment.lstrip("# ")
            if path.suffix == ".net":
                yield from ((number, message) for message in MESSAGE.findall(code))
    else:
        tree = ast.parse(text)
        yield from _names_and_docstrings(tree) if path.is_relative_to(TESTS) else _strings(tree)
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def _names_and_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the prose in the code of a test module: its other strings are input and output."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield node.lineno, name.replace("_", " ")
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text
            case _:
                pass


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    parts: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                parts |= {id(value) for value in values}
                written = [v.value if isinstance(v, ast.Constant) else "_" for v in values]
                yield node.lineno, "".join(map(str, written))
            case ast.Constant(value=str(text)) if id(node) not in parts and " " in text:
                yield node.lineno, text
            case _:
                pass


def banned(text: str) -> Iterator[tuple[int, str]]:
    """Yield the banned phrases of a text, each with the number of lines before it."""
    prose = CODE.sub(lambda code: "`" + "\n" * code[0].count("\n") + "`", text)
    first = FIRST_WORD.finditer(prose)
    for hit in [*PATTERN.finditer(prose.replace("\n", " ")), *first]:
        yield prose.count("\n", 0, hit.start()), " ".join(hit[0].split())


def found(*places: Path) -> list[str]:
    """Return the banned phrases in files and folders, each with its location."""
    inside = [list(place.rglob("*.*")) or [place] for place in places]
    return sorted({
        f"{file.relative_to(ROOT)}:{line + before}: {phrase}"
        for files in inside
        for file in files
        if file.suffix in READ
        for line, text in texts(file)
        for before, phrase in banned(text)
    })  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_uses_the_standard_terms(folder: str) -> None:
    assert found(ROOT / folder) == []


def test_modules_at_the_top_use_the_standard_terms() -> None:
    assert found(*PACKAGE.glob("*.py"), *TESTS.glob("*.py")) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_the_standard_terms(page: str) -> None:
    assert found(ROOT / page) == []


@pytest.mark.parametrize(
    "text", ["`x` is no number", "Compute it\nanew.", "Normalise it", "a mistake", "Give the name."]
)
def test_a_banned_phrase_is_found(text: str) -> None:
    assert list(banned(text))


@pytest.mark.parametrize(
    "code", ["def test_it_is_refused(): ...", 'def f():\n    """Raise a fault."""', '"""Anew."""']
)
def test_names_and_docstrings_of_tests_are_read(code: str) -> None:
    prose = _names_and_docstrings(ast.parse(code))
    assert any(list(banned(text)) for _, text in prose)


@pytest.mark.parametrize(
    "text", ["there is no file", "`no mistake`", "the negative slope", "```net\n# anew\n```"]
)
def test_a_standard_phrase_is_not(text: str) -> None:
    assert not list(banned(text))
