"""Every highlighter splits programs into the tokens that the compiler reads.

Tests ``netlang.editor.highlighting``, ``netlang.editor.tokens``, ``netlang.editor.words``,
``netlang.editor.generate`` and ``netlang.editor.pygments_lexer``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from editor_files import EDITORS, PAGE, node_modules
from lark import Lark
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Token
from pygments.token import Token as PygmentsToken
from pygments.token import string_to_tokentype

from netlang.editor.generate import STATIC, generated
from netlang.editor.highlighting import _vim
from netlang.editor.pygments_lexer import NetlangLexer
from netlang.editor.tokens import STYLES
from netlang.editor.words import words
from netlang.syntax.generate import OPTIONS, grammar_text
from netlang.syntax.keywords import RESERVED

CHECKOUT = Path(__file__).parents[2]
PROGRAMS = [*CHECKOUT.glob("examples/*.net"), *CHECKOUT.glob("netlang/prelude/**/*.net")]
PAGES = [*CHECKOUT.glob("tests/spec/**/*.md"), *CHECKOUT.glob("docs/**/*.md")]
_BLOCK = re.compile(r"^```(?:net|file|fmt)\b[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEXTS = {
    **{path.name: path.read_text("utf-8") for path in sorted(PROGRAMS)},
    **{
        f"{path.name}, block {number}": block
        for path in sorted(PAGES)
        for number, block in enumerate(_BLOCK.findall(path.read_text("utf-8")), 1)
    },
    "odd": 'a = 5 step b { }\nx = 3 epochs 1.5e3 2_0 1e-5 0..n ...B\ny = "a\\n\\"b" ## c\n'
    "optimizer = f(x) == y\noptimizer f(x) = y\nschedule(x) \nop op2(f: op, g: block?) = f.op\n"
    "train a like b { step c { step = n epochs } }\nlike = step steps\nstep d {}\n"
    "z = x . y |>relu |> mine |> new N(a=b, c = d)\n",
    "errors": "a = 1x\nb = \"open\nc = 'd' $ é; f\n",
}

Kinds = frozenset[str]
_NAMES = frozenset(
    {"definition", "type", "layer", "function", "call", "argument", "dimension", "member", "name"}
)
_WORDS = frozenset({"definer", "import", "word-operator", "constant", "keyword", "type"})
_SYMBOLS = frozenset({"operator", "punctuation"})
_KINDS = {
    "NAME": _NAMES, "INT": {"integer"}, "FLOAT": {"float"}, "DURATION": {"duration"},
    "STRING": {"string", "escape"}, "COMMENT": {"comment", "documentation"},
    "OPTIMIZER": {"definer"}, "SCHEDULE": {"definer"}, "STEP": {"definer"}, "LIKE": {"definer"},
    "COUNTED": {"duration"},
}  # fmt: skip


@cache
def lexer() -> Lark:
    options = {**OPTIONS, "parser": None}
    return Lark(grammar_text(), **options, lexer_callbacks={"COMMENT": COMMENTS.append})


COMMENTS: list[Token] = []


@cache
def expected(text: str) -> list[Kinds]:
    """Return the kinds that each character may have, by the compiler's own tokens.

    Whatever follows a character that is not in the language is undefined up to the line's end.
    """
    found: list[Kinds] = [frozenset()] * len(text)
    start = 0
    while start < len(text):
        COMMENTS.clear()
        tokens: list[Token] = []
        failed = None
        try:
            tokens.extend(iter_tokens(text, start))
        except UnexpectedCharacters as error:
            failed = error.pos_in_stream
            tokens = list(iter_tokens(text[: start + failed], start))
        for token in (*tokens, *COMMENTS):
            at = start + (token.start_pos or 0)
            allowed = _KINDS.get(token.type, _WORDS if token.isalpha() else _SYMBOLS)
            found[at : at + len(token)] = [frozenset(allowed)] * len(token)
        if failed is None:
            break
        stop = text.find("\n", start + failed)
        end = len(text) if stop < 0 else stop
        found[start + failed : end] = [frozenset(STYLES)] * (end - start - failed)
        found[start + failed] = frozenset({"illegal"})
        start = end
    return found


def iter_tokens(text: str, start: int) -> list[Token]:
    return list(lexer().lex(text[start:]))


def wrong(text: str, labels: list[str | None], label: Callable[[str], str]) -> list[str]:
    """Return the characters whose label is not one of those of their kinds."""
    found: list[str] = []
    for at, (kinds, own) in enumerate(zip(expected(text), labels, strict=True)):
        if text[at].isspace():
            continue
        if own not in {label(kind) for kind in kinds}:
            line = text.count("\n", 0, at) + 1
            column = at - text.rfind("\n", 0, at)
            found.append(f"{line}:{column}: {text[at]!r} is {own}, not {sorted(kinds)}")
    return found


def by_pygments(text: str) -> list[str | None]:
    labels: list[str | None] = [None] * len(text)
    for start, token, value in NetlangLexer().get_tokens_unprocessed(text):
        labels[start : start + len(value)] = [str(token)] * len(value)
    return labels


def pygments_label(kind: str) -> str:
    return str(string_to_tokentype(STYLES[kind].pygments))


# What is generated.


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_the_generated_files_are_those_of_the_grammar_and_the_prelude(path: Path) -> None:
    content = generated()[path]
    assert path.read_bytes() == content, "run `python -m netlang.editor.generate`"


def test_the_stored_words_are_complete() -> None:
    assert set(words().keywords) == RESERVED
    assert {"conv", "residual"} <= set(words().layers)
    assert {"relu", "adam", "digits", "cosine"} <= set(words().functions)
    assert words().topics["conv"] == "spatial"
    assert words().topics["unclosed-string"] == "rules"


# What the highlighters make of programs.


@pytest.mark.parametrize("name", TEXTS)
def test_pygments_finds_the_tokens_of_the_compiler(name: str) -> None:
    text = TEXTS[name]
    assert wrong(text, by_pygments(text), pygments_label) == []


def test_a_character_that_is_not_in_the_language_is_an_error_token() -> None:
    found = NetlangLexer().get_tokens_unprocessed('a = 1x\nb = "open\nc; é')
    errors = [value for _, token, value in found if token is PygmentsToken.Error]
    assert errors == ["1x", '"open', ";", "é"]


def test_names_have_the_kinds_of_what_they_are() -> None:
    text = (
        "net LeNet(x: f32[N, 4], depth: int = 3) -> y {\n  h = x |> conv(6, pad=1) |> mine\n"
        "  y = relu(h.w) + digits\n}\n"
    )
    tokens = NetlangLexer().get_tokens_unprocessed(text)
    names = {value: str(token).removeprefix("Token.") for _, token, value in tokens}
    assert {name: names[name] for name in names if name.isidentifier()} == {
        "net": "Keyword.Declaration", "LeNet": "Name.Function", "x": "Name",
        "f32": "Keyword.Type", "N": "Name.Constant", "depth": "Name", "int": "Keyword.Type",
        "y": "Name", "h": "Name", "conv": "Name.Builtin", "pad": "Name.Variable",
        "mine": "Name.Function", "relu": "Name.Builtin", "w": "Name.Attribute",
        "digits": "Name",
    }  # fmt: skip


def test_the_entry_point_names_the_lexer() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    (entry,) = project["entry-points"]["pygments.lexers"].values()
    assert EntryPoint("netlang", entry, "pygments.lexers").load() is NetlangLexer


def test_only_the_lexer_imports_pygments() -> None:
    script = "import sys, netlang.cli.main, netlang.editor.tokens; print('pygments' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(("pattern", "translated"), [
    (r"a(?=b)", "a%(b)@="), (r"(?:a|b)(?!c)", "%(a|b)%(c)@!"), (r"(?<!\.)\.", r"%(\.)@<!\."),
    (r"[^\n\"]=", r'[^\"]\='), (r"\(\{|->", r"\(\{|-\>"), (r"[(?:)]", "[(?:)]"),
])  # fmt: skip
def test_expressions_are_translated_for_vim(pattern: str, translated: str) -> None:
    assert _vim(pattern) == translated


def textmate_label(kind: str) -> str:
    return f"{STYLES[kind].scope}.netlang"


def by_node(script: Path, table: Path) -> list[list[str | None]]:
    """Return the labels that a script of Node finds with a table of patterns."""
    assert node_modules(script.parents[1]).is_dir()
    done = subprocess.run(
        ["node", script, table],
        input=json.dumps(list(TEXTS.values())),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_textmate_grammar_finds_the_tokens_of_the_compiler() -> None:
    script = EDITORS / "vscode" / "test" / "tokenize.mjs"
    found = by_node(script, EDITORS / "netlang.tmLanguage.json")
    for (name, text), labels in zip(TEXTS.items(), found, strict=True):
        assert wrong(text, labels, textmate_label) == [], name


@pytest.mark.slow
def test_the_page_finds_the_tokens_of_the_compiler() -> None:
    found = by_node(PAGE / "test" / "tokenize.mjs", STATIC / "highlighting.json")
    for (name, text), labels in zip(TEXTS.items(), found, strict=True):
        assert wrong(text, labels, str) == [], name


_VIM = """\
vim9script
set encoding=utf-8 filetype=netlang
source {syntax}
def Labels(line: number): list<string>
  var row: list<string> = []
  const text = getline(line)
  for column in range(strchars(text))
    row->add(synID(line, byteidx(text, column) + 1, 1)->synIDattr('name'))
  endfor
  return row
enddef
var found: list<any> = []
for text in readfile('{texts}')->join("\\n")->json_decode()
  silent :%delete _
  setline(1, split(text, "\\n", 1))
  found->add(range(1, line('$'))->mapnew((_, line) => Labels(line)))
endfor
writefile([json_encode(found)], '{output}')
quitall!
"""


def vim_label(kind: str) -> str:
    return f"netlang{kind.title().replace('-', '')}"


@pytest.mark.slow
def test_vim_finds_the_tokens_of_the_compiler(tmp_path: Path) -> None:
    assert shutil.which("vim"), "install vim"
    given, output, script = (tmp_path / name for name in ("texts", "output", "script.vim"))
    given.write_text(json.dumps(list(TEXTS.values())), "utf-8")
    syntax = EDITORS / "vim" / "syntax" / "netlang.vim"
    script.write_text(_VIM.format(syntax=syntax, texts=given, output=output), "utf-8")
    command = ["vim", "-e", "-s", "-u", "NONE", "-i", "NONE", "-S", str(script)]
    done = subprocess.run(command, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    assert output.is_file(), done
    for (name, text), rows in zip(TEXTS.items(), json.loads(output.read_text()), strict=True):
        labels = [label for row in rows for label in (*row, None)][: len(text)]
        assert wrong(text, labels, vim_label) == [], name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "filetype"), [("a.net", "netlang"), ("a.txt", "text")])
def test_vim_knows_the_files_of_programs(name: str, filetype: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x = 1\n")
    output = tmp_path / "output"
    show = f"call writefile([&filetype, &commentstring], '{output}') | quitall!"
    setup = ["-c", f"set rtp^={EDITORS / 'vim'}", "-c", "filetype plugin on | syntax on"]
    command = ["vim", "-e", "-s", "-u", "NONE", "-i", "NONE", *setup]
    subprocess.run([*command, "-c", f"edit {tmp_path / name} | {show}"], timeout=60, check=False,
                   stdin=subprocess.DEVNULL)  # fmt: skip
    shown = output.read_text().splitlines()
    assert shown[0] == filetype
    assert (shown[1] == "# %s") == (filetype == "netlang")
